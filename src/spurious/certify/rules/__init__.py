"""The rules by which `certify` decides, one file each; `decide.py` has them in order."""
