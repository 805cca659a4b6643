"""A suite of properties that losses of VAEs have, whoever wrote them, and what it takes to ask a library for them.

`suite` has the interface and the table, `worlds` what is asked about. `elbo`, `pictures`, `bounds`, `discrepancy` and
`codes` have the properties; `ours`, `of_pythae` and `of_pyro` adapt one library each. An adapter calls the library's
own code and computes nothing.
"""
