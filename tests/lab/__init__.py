"""The article's experiment, repeatable: real daemons behind real packet filters, in namespaces of their own.

`places` says who is where, `jail` keeps a lab apart from the machine, `network` makes its links, `daemons` what
answers, `firewalls` sets the rules, `probes` asks and writes down what the clients saw, `captures` records, `scenarios`
and `settings` are the experiments, `audits` and `truth` say what was promised and what is expected, `record` runs
them all.
"""
