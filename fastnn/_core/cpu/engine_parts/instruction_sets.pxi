# Kernels by instruction set.

ISA_NAMES = [fastnn_isa_names[isa].decode() for isa in range(N_ISAS)]
AVAILABLE = {name: isa for isa, name in enumerate(ISA_NAMES) if fastnn_kernels(isa, False) != NULL}
cdef int FASTEST = max(AVAILABLE.values())


def isa_info():
    """Return which instruction sets this build and this processor have, and the one in use."""
    return {
        "compiled": [name for isa, name in enumerate(ISA_NAMES) if fastnn_isa_compiled(isa)],
        "available": list(AVAILABLE),
        "active": ISA_NAMES[choose_isa(None)],
        "bfloat16": "native" if choose_isa(None) == ISA_AVX512_BF16 else "emulated",
        "openmp": bool(HAS_OPENMP),
    }


cdef int choose_isa(name) except -1:
    """Return the set named, else that of FASTNN_ISA, else the fastest of the processor."""
    cdef const char *asked = getenv("FASTNN_ISA")   # os.environ takes as long as a small prediction
    if not name:
        if asked == NULL or asked[0] == 0:
            return FASTEST
        name = asked.decode()
    if name not in AVAILABLE:
        raise ValueError(
            f"The instruction set {name!r} (FASTNN_ISA) cannot run here; choose one of "
            f"{', '.join(AVAILABLE)}, or unset FASTNN_ISA for the fastest."
        )
    return AVAILABLE[name]


cdef const Kernels *choose_kernels(name, dtype) except NULL:
    return fastnn_kernels(choose_isa(name), np.dtype(dtype).itemsize == 8)


cdef const Bfloat16Kernels *choose_bfloat16_kernels(name) except NULL:
    return fastnn_bfloat16_kernels(choose_isa(name))
