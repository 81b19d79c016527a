// What compilers spell differently.
#pragma once

#include <cstddef>  // where glibc says that it is glibc

// NOINLINE keeps what is rare out of the hot code beside it, which then saves no registers for it;
// INLINE puts hot code that has many callers into each of them. Together they take a fifth off
// an operator call.
// PURE functions only compute: calls whose result is not used can be left out.
#if defined(__GNUC__)
#define MEGAGRAD_PURE [[gnu::pure]]
#define MEGAGRAD_INLINE [[gnu::always_inline]] inline
#define MEGAGRAD_NOINLINE [[gnu::noinline]]
#elif defined(_MSC_VER)
#define MEGAGRAD_PURE
#define MEGAGRAD_INLINE __forceinline
#define MEGAGRAD_NOINLINE __declspec(noinline)
#else
#define MEGAGRAD_PURE
#define MEGAGRAD_INLINE inline
#define MEGAGRAD_NOINLINE
#endif

// A function that is also compiled for AVX2; which one runs is decided when the module is loaded.
// Results are the same: AVX2 has no fused multiply-add. ThreadSanitizer is not there yet when it is
// decided, though what decides calls it.
#if defined(__SANITIZE_THREAD__)
#define MEGAGRAD_VECTOR_CLONES
#elif defined(__GNUC__) && defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__)
#define MEGAGRAD_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define MEGAGRAD_VECTOR_CLONES
#endif

// The memory behind this pointer is reached in no other way.
#if defined(__GNUC__) || defined(_MSC_VER)
#define MEGAGRAD_RESTRICT __restrict
#else
#define MEGAGRAD_RESTRICT
#endif

namespace megagrad {

// Starts to load a cache line that will be written.
inline void prefetch(const void* address) {
#if defined(__GNUC__)
    __builtin_prefetch(address, 1);
#else
    (void)address;
#endif
}

}  // namespace megagrad
