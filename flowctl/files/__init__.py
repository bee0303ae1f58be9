"""Data files as bytes: which ones a path stands for, how they are read, cut, sampled and encoded.

Below the components, above the types of columns: nothing here knows a workflow.
"""
