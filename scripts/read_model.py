#!/usr/bin/env python3
"""Shows the tensors in a model file of hnrun: python3 scripts/read_model.py fashion.hn (pip install safetensors numpy)."""
import sys
from safetensors import safe_open

with safe_open(sys.argv[1], framework="numpy") as file:
    print("trained with", file.metadata().get("loss", "a loss of its own"))
    for name in file.keys():
        values = file.get_tensor(name)
        print(f"{name}: {values.dtype} {list(values.shape)}, from {values.min():.4g} to {values.max():.4g}")
