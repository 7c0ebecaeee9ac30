"""The page of a training run: what happened over time, in one file.

`recorder` decides which steps are kept, `parts` divides a graph into layers, `look` collects the
numbers of one backward pass, `examples` repeats the first batch with the current parameters, and
`page` writes the file. The command `minigrad record`, the callback `RunPage` and `minigrad diagnose
-o` use them.
"""
