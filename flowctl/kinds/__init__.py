"""The components: one file each, found by `flowctl.registry`."""
