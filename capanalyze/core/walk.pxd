"""The walk through a frame: header by header, to a transport or to the reason why there is none."""

from capanalyze.core.frame cimport (
    ATM_CLIP, AVS, C_HDLC, C_HDLC_WITH_DIR, DOCSIS, DSA, DSA_PREPENDED, ENC, EPON, ERF, ETHERIP, ETHERNET,
    ETHERTYPE, FDDI, FIREWIRE, FRELAY, FRELAY_WITH_DIR, IEEE802_11, IEEE802_11_PADDED, IEEE802_11_SWAPPED, IP,
    IPNET, IPOIB, IP_OVER_FC, JUNIPER_C_HDLC, JUNIPER_ETHERNET, JUNIPER_FRELAY, JUNIPER_PPP, L2TPV3, LINUX_SLL,
    LINUX_SLL2, LLC, LOOP, MALFORMED_HEADER, MFR, MPACKET, MPLS, NETANALYZER, NETANALYZER_TRANSPARENT, NFLOG,
    NO_TUNNEL, NSH, NULL_LINK, PFLOG, PKTAP, PPI, PPP, PPPOE, PPP_WITH_DIR, PRISM, RADIOTAP, SLIP, STEPS, SUNATM,
    SYMANTEC, TOKEN_RING, TOO_DEEP, TRUNCATED, UDP, Frame, Step, Tunnel, skip,
)
from capanalyze.core.link_ethernet cimport (
    dsa, ethernet, ethertype, fddi, ip_over_fc, llc, mpacket, mpls, nsh, token_ring,
)
from capanalyze.core.link_host cimport enc, ipnet, linux_sll, linux_sll2, loop, nflog, null, pflog, pktap
from capanalyze.core.link_wan cimport (
    atm_clip, c_hdlc, docsis, erf, frelay, ipoib, juniper, mfr, ppp, ppp_with_dir, pppoe, slip, sunatm, symantec,
    with_dir,
)
from capanalyze.core.link_wireless cimport avs, ieee802_11, ppi, prism, radiotap
from capanalyze.core.message cimport Message
from capanalyze.core.network cimport etherip, gre, ip, l2tpv3
from capanalyze.core.octets cimport Octets, be16, is_cut
from capanalyze.core.transport cimport UDP_HEADER, payload_of
from capanalyze.core.tunnel cimport opened, tunnel_between

cdef enum:
    MAX_STEPS = 64


cdef inline Step innermost(Frame *frame, Step step) noexcept nogil:
    """Follow headers to a transport, or to the reason why there is none, through tunnels over UDP.

    There are no more of these than IP headers. Where what a tunnel seemed to carry is not there, the datagram is none.
    """
    cdef Step end = walk(frame, step)
    cdef Tunnel tunnel
    cdef Frame outer
    cdef Message outer_message
    while end == UDP:
        tunnel = tunnel_around(frame)
        if tunnel == NO_TUNNEL:
            return UDP
        outer, outer_message = frame[0], frame.message[0]
        frame.rest = payload_of(frame.rest, frame.message.fragmented)
        end = walk(frame, opened(frame, tunnel))
        if end == MALFORMED_HEADER or frame.is_doubtful or (end == TRUNCATED and not is_cut(frame.rest)):
            frame[0], frame.message[0] = outer, outer_message
            return UDP
    return end


cdef inline Step walk(Frame *frame, Step step) noexcept nogil:
    """Follow headers to a transport, or to the reason why there is none."""
    for _ in range(MAX_STEPS):
        if step >= STEPS:
            return step
        if step == ETHERNET: step = ethernet(frame)
        elif step == ETHERTYPE: step = ethertype(frame)
        elif step == IP: step = ip(frame)
        else: step = header(frame, step)
    return TOO_DEEP


cdef inline Tunnel tunnel_around(const Frame *frame) noexcept nogil:
    """Which tunnel the UDP datagram that begins here may belong to."""
    if frame.rest.captured < UDP_HEADER:
        return NO_TUNNEL
    cdef Octets payload = payload_of(frame.rest, frame.message.fragmented)
    return tunnel_between(be16(frame.rest, 0), be16(frame.rest, 2), payload)


cdef inline Step header(Frame *frame, Step step) noexcept nogil:
    """Read one header but for the most frequent, which `walk` reads in line; what follows it. A switch once compiled."""
    if step == PPP: return ppp(frame)
    elif step == NULL_LINK: return null(frame)
    elif step == LOOP: return loop(frame)
    elif step == LINUX_SLL: return linux_sll(frame)
    elif step == LINUX_SLL2: return linux_sll2(frame)
    elif step == PKTAP: return pktap(frame)
    elif step == PFLOG: return pflog(frame)
    elif step == NFLOG: return nflog(frame)
    elif step == IEEE802_11: return ieee802_11(frame, False, False)
    elif step == IEEE802_11_PADDED: return ieee802_11(frame, True, False)
    elif step == IEEE802_11_SWAPPED: return ieee802_11(frame, False, True)
    elif step == RADIOTAP: return radiotap(frame)
    elif step == FRELAY: return frelay(frame)
    elif step == MFR: return mfr(frame)
    elif step == C_HDLC: return c_hdlc(frame)
    elif step == PRISM: return prism(frame)
    elif step == AVS: return avs(frame)
    elif step == PPI: return ppi(frame)
    elif step == PPP_WITH_DIR: return ppp_with_dir(frame)
    elif step == C_HDLC_WITH_DIR: return with_dir(frame, C_HDLC)
    elif step == FRELAY_WITH_DIR: return with_dir(frame, FRELAY)
    elif step == SLIP: return slip(frame)
    elif step == ENC: return enc(frame)
    elif step == IPNET: return ipnet(frame)
    elif step == FIREWIRE: return skip(frame, 16, ETHERTYPE)  # two addresses of 8 octets, RFC 2734
    elif step == TOKEN_RING: return token_ring(frame)
    elif step == FDDI: return fddi(frame)
    elif step == IP_OVER_FC: return ip_over_fc(frame)
    elif step == SUNATM: return sunatm(frame)
    elif step == ATM_CLIP: return atm_clip(frame)
    elif step == IPOIB: return ipoib(frame)
    elif step == DOCSIS: return docsis(frame)
    elif step == ERF: return erf(frame)
    elif step == SYMANTEC: return symantec(frame)
    elif step == NETANALYZER: return skip(frame, 4, ETHERNET)
    elif step == NETANALYZER_TRANSPARENT: return skip(frame, 12, ETHERNET)  # with the preamble
    elif step == EPON: return skip(frame, 8, ETHERNET)  # a preamble that names the link, IEEE 802.3 clause 65.1.3
    elif step == MPACKET: return mpacket(frame)
    elif step == DSA: return dsa(frame)
    elif step == DSA_PREPENDED: return skip(frame, 4, ETHERNET)
    elif step == JUNIPER_ETHERNET: return juniper(frame, ETHERNET)
    elif step == JUNIPER_PPP: return juniper(frame, PPP)
    elif step == JUNIPER_FRELAY: return juniper(frame, FRELAY)
    elif step == JUNIPER_C_HDLC: return juniper(frame, C_HDLC)
    elif step == PPPOE: return pppoe(frame)
    elif step == MPLS: return mpls(frame)
    elif step == LLC: return llc(frame)
    elif step == NSH: return nsh(frame)
    elif step == ETHERIP: return etherip(frame)
    elif step == L2TPV3: return l2tpv3(frame)
    else: return gre(frame)
