"""The grammar of workflows, and how a document is judged by it."""
