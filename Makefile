# The Python that makes the environment; 3.11 or newer.
PYTHON ?= python3
# The index that torch comes from, when not the default one: PyTorch's of CPU builds, or of builds for a CUDA version.
TORCH_INDEX_URL ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export HF_HUB_OFFLINE = 1
export HF_HUB_DISABLE_TELEMETRY = 1
export TOKENIZERS_PARALLELISM = false
export OMP_NUM_THREADS = 1

.PHONY: install demo test prove bench lint fmt

install: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt $(if $(TORCH_INDEX_URL),--index-url $(TORCH_INDEX_URL)) torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[check,depth,video,text,instruct,reasoning-gym,train,demo,ray,dev]'
	touch $@

demo: $(READY)
	$(BIN)/ssrl build tasks/recipes/demo.yaml --out out/demo/dataset
	$(BIN)/ssrl check out/demo/dataset
	$(BIN)/ssrl report out/demo/dataset --out out/demo/report.html
	$(BIN)/ssrl train tasks/recipes/train/demo.yaml --data out/demo/dataset --out out/demo/training
	cp out/demo/training/reward.png out/demo/reward.png
	$(BIN)/python -m ssrl_train.summary out/demo/dataset out/demo/training

# Two processes, since most tests wait on one of their own; files stay whole, for what their tests share is made once.
test: $(READY)
	$(BIN)/python -m pytest -q -m "not prove" -n 2 --dist loadfile

# All long proofs, or one: make prove SLICE=kills
prove: $(READY)
	$(BIN)/python -m pytest -q -m prove $(if $(SLICE),-k $(SLICE))

bench: $(READY)
	$(BIN)/python -m benchmarks

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fmt: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
