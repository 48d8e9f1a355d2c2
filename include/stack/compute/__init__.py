"""A local stand-in for the Compute Engine v1 API whose one virtual machine is the Druid group."""
