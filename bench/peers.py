"""Programs that Grapevine is compared with are measured as they come and given their best."""

# The C library keeps memory that is freed, instead of asking the kernel for new pages in every step: PyTorch, which gives
# back all of its large tensors in each, is up to twice as fast with it.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "17179869184"}
ENVIRONMENTS = {"as it comes": {}, "at its best": KEEP_MEMORY}
