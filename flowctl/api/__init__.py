"""What flowctl does for programs, its own commands among them: validate, compile, run.

Nothing here reads arguments of the process or prints. `preparing` makes a plan of what is given,
`choosing` finds the run that it belongs to, `working` works on it. The modules are imported one by
one, since a command loads the compiler and the engine only when it comes to them.
"""
