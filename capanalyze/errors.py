"""Every error a user can meet. All end the program with status 2 and one line on stderr.

CapanalyzeError
├── CaptureError   a file that is not a capture, or cannot be read further
├── AuditError     an audit file or option that makes no sense
├── TargetError    nobody can tell which host was under test
└── OutputError    a report that cannot be written
"""


class CapanalyzeError(Exception):
    """One sentence that names file, place and reason."""


class CaptureError(CapanalyzeError):
    """The input is not a capture, or its link type is not one that capanalyze reads."""


class AuditError(CapanalyzeError):
    """An audit file, or an option that stands in for one, is wrong."""


class TargetError(CapanalyzeError):
    """The target cannot be told from the captures."""


class OutputError(CapanalyzeError):
    """A report cannot be written where it was asked for."""
