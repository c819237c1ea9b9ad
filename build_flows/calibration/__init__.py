"""What Yosys and the emulated RTL say of some hundred layers, which the resource model is fitted and held to."""
