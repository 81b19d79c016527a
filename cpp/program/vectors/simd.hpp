// The vector instructions that `Vector` is made of, as each family of processors has them.
//
// Which family it is follows from what the compiler may use. MSVC has no name for SSE2, nor for
// fused multiply-adds, which it uses with AVX2.
#pragma once

#include <cmath>
#include <cstdint>

#include "platform/compiler.hpp"

// The build names the instruction set that a file is being compiled for.
#ifndef MEGAGRAD_ISA
#define MEGAGRAD_ISA baseline
#endif

#if defined(MEGAGRAD_ONE_LANE)
// No vectors: said by the build, or because the processor is none of these.
#elif defined(__AVX512F__) && defined(__AVX512DQ__)
#define MEGAGRAD_AVX512
#elif defined(__AVX2__) && (defined(__FMA__) || defined(_MSC_VER))
#define MEGAGRAD_AVX2
#elif defined(__SSE2__) || defined(_M_X64)
#define MEGAGRAD_SSE2
#elif defined(__aarch64__) || defined(_M_ARM64)
#define MEGAGRAD_NEON
#else
#define MEGAGRAD_ONE_LANE
#endif

#if defined(MEGAGRAD_AVX512) || defined(MEGAGRAD_AVX2) || defined(MEGAGRAD_SSE2)
#include <immintrin.h>
#elif defined(MEGAGRAD_NEON)
#include <arm_neon.h>
#endif

namespace megagrad::MEGAGRAD_ISA {

#if (defined(MEGAGRAD_AVX512) || defined(MEGAGRAD_AVX2) || defined(MEGAGRAD_NEON)) && \
    !defined(MEGAGRAD_EAGER)
inline constexpr bool has_fma = true;
#else
inline constexpr bool has_fma = false;
#endif

namespace simd {

// One number's x * y + z, rounded once.
MEGAGRAD_INLINE double fused(double x, double y, double z) {
#if defined(_MSC_VER) && !defined(__clang__) && (defined(MEGAGRAD_AVX512) || defined(MEGAGRAD_AVX2))
    // MSVC would call its library.
    return _mm_cvtsd_f64(_mm_fmadd_sd(_mm_set_sd(x), _mm_set_sd(y), _mm_set_sd(z)));
#else
    return std::fma(x, y, z);
#endif
}

// For each family: Numbers, the vector; Integers, its bits; Truths, what comparisons give.
// MEGAGRAD_V spells the name of an instruction on Numbers, and MEGAGRAD_SI of one on all bits.
#if defined(MEGAGRAD_AVX512)

#define MEGAGRAD_V(name) _mm512_##name
#define MEGAGRAD_SI(name) _mm512_##name##512
inline constexpr int width = 8;
using Numbers = __m512d;
using Integers = __m512i;
using Truths = __mmask8;

MEGAGRAD_INLINE Numbers as_numbers(Integers x) { return _mm512_castsi512_pd(x); }
MEGAGRAD_INLINE Integers all_integers(std::int64_t x) { return _mm512_set1_epi64(x); }
MEGAGRAD_INLINE Truths less(Numbers x, Numbers y) { return _mm512_cmp_pd_mask(x, y, _CMP_LT_OS); }
MEGAGRAD_INLINE Truths at_most(Numbers x, Numbers y) {
    return _mm512_cmp_pd_mask(x, y, _CMP_LE_OS);
}
MEGAGRAD_INLINE Truths equal(Numbers x, Numbers y) { return _mm512_cmp_pd_mask(x, y, _CMP_EQ_OQ); }
MEGAGRAD_INLINE Truths unequal(Numbers x, Numbers y) {
    return _mm512_cmp_pd_mask(x, y, _CMP_NEQ_UQ);
}
MEGAGRAD_INLINE Truths both(Truths x, Truths y) { return static_cast<Truths>(x & y); }
MEGAGRAD_INLINE Truths either(Truths x, Truths y) { return static_cast<Truths>(x | y); }
MEGAGRAD_INLINE Truths opposite(Truths x) { return static_cast<Truths>(~x); }
MEGAGRAD_INLINE bool is_any(Truths x) { return x != 0; }
MEGAGRAD_INLINE Numbers choose(Truths truths, Numbers yes, Numbers no) {
    return _mm512_mask_blend_pd(truths, no, yes);
}
// GCC 12 warns of what these leave undefined without a mask.
MEGAGRAD_INLINE Numbers square_root(Numbers x) { return _mm512_maskz_sqrt_pd(0xff, x); }
template <int places>
MEGAGRAD_INLINE Integers bits_left(Integers x) {
    return _mm512_maskz_slli_epi64(0xff, x, places);
}
template <int places>
MEGAGRAD_INLINE Integers bits_right(Integers x) {
    return _mm512_maskz_srli_epi64(0xff, x, places);
}

#elif defined(MEGAGRAD_AVX2)

#define MEGAGRAD_V(name) _mm256_##name
#define MEGAGRAD_SI(name) _mm256_##name##256
inline constexpr int width = 4;
using Numbers = __m256d;
using Integers = __m256i;

MEGAGRAD_INLINE Numbers as_numbers(Integers x) { return _mm256_castsi256_pd(x); }
MEGAGRAD_INLINE Integers all_integers(std::int64_t x) { return _mm256_set1_epi64x(x); }
MEGAGRAD_INLINE Numbers less(Numbers x, Numbers y) { return _mm256_cmp_pd(x, y, _CMP_LT_OS); }
MEGAGRAD_INLINE Numbers at_most(Numbers x, Numbers y) { return _mm256_cmp_pd(x, y, _CMP_LE_OS); }
MEGAGRAD_INLINE Numbers equal(Numbers x, Numbers y) { return _mm256_cmp_pd(x, y, _CMP_EQ_OQ); }
MEGAGRAD_INLINE Numbers unequal(Numbers x, Numbers y) { return _mm256_cmp_pd(x, y, _CMP_NEQ_UQ); }
MEGAGRAD_INLINE Numbers choose(Numbers truths, Numbers yes, Numbers no) {
    return _mm256_blendv_pd(no, yes, truths);
}
MEGAGRAD_INLINE Numbers square_root(Numbers x) { return _mm256_sqrt_pd(x); }

#elif defined(MEGAGRAD_SSE2)

#define MEGAGRAD_V(name) _mm_##name
#define MEGAGRAD_SI(name) _mm_##name##128
inline constexpr int width = 2;
using Numbers = __m128d;
using Integers = __m128i;

MEGAGRAD_INLINE Numbers as_numbers(Integers x) { return _mm_castsi128_pd(x); }
MEGAGRAD_INLINE Integers all_integers(std::int64_t x) { return _mm_set1_epi64x(x); }
MEGAGRAD_INLINE Numbers less(Numbers x, Numbers y) { return _mm_cmplt_pd(x, y); }
MEGAGRAD_INLINE Numbers at_most(Numbers x, Numbers y) { return _mm_cmple_pd(x, y); }
MEGAGRAD_INLINE Numbers equal(Numbers x, Numbers y) { return _mm_cmpeq_pd(x, y); }
MEGAGRAD_INLINE Numbers unequal(Numbers x, Numbers y) { return _mm_cmpneq_pd(x, y); }
MEGAGRAD_INLINE Numbers choose(Numbers truths, Numbers yes, Numbers no) {
    return _mm_or_pd(_mm_and_pd(truths, yes), _mm_andnot_pd(truths, no));
}
MEGAGRAD_INLINE Numbers square_root(Numbers x) { return _mm_sqrt_pd(x); }

#elif defined(MEGAGRAD_NEON)

inline constexpr int width = 2;
using Numbers = float64x2_t;
using Integers = uint64x2_t;
using Truths = uint64x2_t;

MEGAGRAD_INLINE Numbers load(const double* from) { return vld1q_f64(from); }
MEGAGRAD_INLINE void store(double* to, Numbers x) { vst1q_f64(to, x); }
MEGAGRAD_INLINE Numbers all_numbers(double x) { return vdupq_n_f64(x); }
MEGAGRAD_INLINE Numbers plus(Numbers x, Numbers y) { return vaddq_f64(x, y); }
MEGAGRAD_INLINE Numbers minus(Numbers x, Numbers y) { return vsubq_f64(x, y); }
MEGAGRAD_INLINE Numbers times(Numbers x, Numbers y) { return vmulq_f64(x, y); }
MEGAGRAD_INLINE Numbers over(Numbers x, Numbers y) { return vdivq_f64(x, y); }
MEGAGRAD_INLINE Numbers fused(Numbers x, Numbers y, Numbers z) { return vfmaq_f64(z, x, y); }
MEGAGRAD_INLINE Numbers square_root(Numbers x) { return vsqrtq_f64(x); }

MEGAGRAD_INLINE Integers as_integers(Numbers x) { return vreinterpretq_u64_f64(x); }
MEGAGRAD_INLINE Numbers as_numbers(Integers x) { return vreinterpretq_f64_u64(x); }
MEGAGRAD_INLINE Integers all_integers(std::int64_t x) {
    return vdupq_n_u64(static_cast<std::uint64_t>(x));
}
MEGAGRAD_INLINE Integers integers_plus(Integers x, Integers y) { return vaddq_u64(x, y); }
MEGAGRAD_INLINE Integers integers_minus(Integers x, Integers y) { return vsubq_u64(x, y); }
MEGAGRAD_INLINE Integers bits_and(Integers x, Integers y) { return vandq_u64(x, y); }
MEGAGRAD_INLINE Integers bits_or(Integers x, Integers y) { return vorrq_u64(x, y); }
MEGAGRAD_INLINE Integers bits_xor(Integers x, Integers y) { return veorq_u64(x, y); }
template <int places>
MEGAGRAD_INLINE Integers bits_left(Integers x) {
    return vshlq_n_u64(x, places);
}
template <int places>
MEGAGRAD_INLINE Integers bits_right(Integers x) {
    return vshrq_n_u64(x, places);
}

MEGAGRAD_INLINE Truths less(Numbers x, Numbers y) { return vcltq_f64(x, y); }
MEGAGRAD_INLINE Truths at_most(Numbers x, Numbers y) { return vcleq_f64(x, y); }
MEGAGRAD_INLINE Truths equal(Numbers x, Numbers y) { return vceqq_f64(x, y); }
MEGAGRAD_INLINE Truths both(Truths x, Truths y) { return vandq_u64(x, y); }
MEGAGRAD_INLINE Truths either(Truths x, Truths y) { return vorrq_u64(x, y); }
MEGAGRAD_INLINE Truths opposite(Truths x) { return veorq_u64(x, all_integers(-1)); }
MEGAGRAD_INLINE Truths unequal(Numbers x, Numbers y) { return opposite(equal(x, y)); }
MEGAGRAD_INLINE bool is_any(Truths x) { return vmaxvq_u32(vreinterpretq_u32_u64(x)) != 0; }
MEGAGRAD_INLINE Numbers choose(Truths truths, Numbers yes, Numbers no) {
    return vbslq_f64(truths, yes, no);
}

#endif

#if defined(MEGAGRAD_V)  // what is alike in all of Intel's families

MEGAGRAD_INLINE Numbers load(const double* from) { return MEGAGRAD_V(loadu_pd)(from); }
MEGAGRAD_INLINE void store(double* to, Numbers x) { MEGAGRAD_V(storeu_pd)(to, x); }
MEGAGRAD_INLINE Numbers all_numbers(double x) { return MEGAGRAD_V(set1_pd)(x); }
MEGAGRAD_INLINE Numbers plus(Numbers x, Numbers y) { return MEGAGRAD_V(add_pd)(x, y); }
MEGAGRAD_INLINE Numbers minus(Numbers x, Numbers y) { return MEGAGRAD_V(sub_pd)(x, y); }
MEGAGRAD_INLINE Numbers times(Numbers x, Numbers y) { return MEGAGRAD_V(mul_pd)(x, y); }
MEGAGRAD_INLINE Numbers over(Numbers x, Numbers y) { return MEGAGRAD_V(div_pd)(x, y); }
MEGAGRAD_INLINE Numbers fused(Numbers x, Numbers y, Numbers z) {
#if defined(MEGAGRAD_SSE2)
    return plus(times(x, y), z);  // there is no such instruction, see has_fma
#else
    return MEGAGRAD_V(fmadd_pd)(x, y, z);
#endif
}

MEGAGRAD_INLINE Integers as_integers(Numbers x) { return MEGAGRAD_SI(castpd_si)(x); }
MEGAGRAD_INLINE Integers integers_plus(Integers x, Integers y) {
    return MEGAGRAD_V(add_epi64)(x, y);
}
MEGAGRAD_INLINE Integers integers_minus(Integers x, Integers y) {
    return MEGAGRAD_V(sub_epi64)(x, y);
}
MEGAGRAD_INLINE Integers bits_and(Integers x, Integers y) { return MEGAGRAD_SI(and_si)(x, y); }
MEGAGRAD_INLINE Integers bits_or(Integers x, Integers y) { return MEGAGRAD_SI(or_si)(x, y); }
MEGAGRAD_INLINE Integers bits_xor(Integers x, Integers y) { return MEGAGRAD_SI(xor_si)(x, y); }
#if !defined(MEGAGRAD_AVX512)
template <int places>
MEGAGRAD_INLINE Integers bits_left(Integers x) {
    return MEGAGRAD_V(slli_epi64)(x, places);
}
template <int places>
MEGAGRAD_INLINE Integers bits_right(Integers x) {
    return MEGAGRAD_V(srli_epi64)(x, places);
}

using Truths = Numbers;  // of a lane: all bits or none
MEGAGRAD_INLINE Truths both(Truths x, Truths y) { return MEGAGRAD_V(and_pd)(x, y); }
MEGAGRAD_INLINE Truths either(Truths x, Truths y) { return MEGAGRAD_V(or_pd)(x, y); }
MEGAGRAD_INLINE Truths opposite(Truths x) {
    return MEGAGRAD_V(xor_pd)(x, as_numbers(all_integers(-1)));
}
MEGAGRAD_INLINE bool is_any(Truths x) { return MEGAGRAD_V(movemask_pd)(x) != 0; }
#endif

#undef MEGAGRAD_V
#undef MEGAGRAD_SI
#endif

}  // namespace simd

}  // namespace megagrad::MEGAGRAD_ISA
