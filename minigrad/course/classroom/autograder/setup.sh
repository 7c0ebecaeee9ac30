#!/usr/bin/env bash
# Gradescope runs this script once, when it builds the autograder's image. minigrad needs Python 3.11 or later; Ubuntu 22.04
# has it as a package next to its own Python.
set -e
apt-get update
apt-get install -y python3.11-venv || apt-get install -y python3-venv
"$(command -v python3.11 || command -v python3)" -m venv /autograder/venv
/autograder/venv/bin/python -m pip install "numpy>=2" "graphviz>=0.20" "tqdm>=4.66" "safetensors>=0.5"
