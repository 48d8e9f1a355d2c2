"""A local emulator of the Compute Engine v1 API; its one virtual machine is Druid's processes."""
