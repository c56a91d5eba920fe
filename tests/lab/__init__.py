"""The article's experiment, repeatable: real daemons behind real packet filters, in namespaces of their own.

`places` says who is where, `jail` keeps a lab apart from the machine, `network` makes its links, `daemons` what
answers, `firewalls` sets the rules, `captures` records, `probes` says what is asked, `prober` asks and writes down what
the clients saw. `lab` puts these together, `scenarios` and `settings` are the experiments, `audits` and `expect` say
what was promised and what is expected, `record` runs them all.
"""
