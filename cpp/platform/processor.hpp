// What this x86 processor and the operating system on it can do. Compilers have no common way to
// ask.
//
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapters 14
// and 15.
#pragma once

#include <cstdint>

#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#include <immintrin.h>
#endif
#if defined(__GNUC__) || defined(__clang__)
#define MEGAGRAD_XSAVE __attribute__((target("xsave")))
#else
#define MEGAGRAD_XSAVE
#endif

namespace megagrad {

struct Processor {
    bool has_avx2;    // and fused multiply-adds
    bool has_avx512;  // F, DQ, BW and VL
};

struct Leaf {
    std::uint32_t eax, ebx, ecx, edx;
};

inline Leaf processor_leaf(std::uint32_t number) {
    Leaf leaf{};
#if defined(_MSC_VER)
    int registers[4];
    __cpuid(registers, 0);
    if (number > static_cast<std::uint32_t>(registers[0])) return leaf;
    __cpuidex(registers, static_cast<int>(number), 0);
    leaf = {static_cast<std::uint32_t>(registers[0]), static_cast<std::uint32_t>(registers[1]),
            static_cast<std::uint32_t>(registers[2]), static_cast<std::uint32_t>(registers[3])};
#else
    __get_cpuid_count(number, 0, &leaf.eax, &leaf.ebx, &leaf.ecx, &leaf.edx);
#endif
    return leaf;
}

// Which registers the operating system saves when it switches threads.
MEGAGRAD_XSAVE inline std::uint64_t saved_registers() { return _xgetbv(0); }

inline Processor this_processor() {
    const auto has_all = [](std::uint64_t word, std::uint64_t bits) {
        return (word & bits) == bits;
    };
    const Leaf basic = processor_leaf(1), extended = processor_leaf(7);
    const std::uint32_t fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28;
    if (!has_all(basic.ecx, fma | osxsave | avx)) return {false, false};
    const std::uint64_t saved = saved_registers();
    const std::uint32_t avx2 = 1u << 5, f = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31;
    const bool has_avx2 = has_all(saved, 0x6) && has_all(extended.ebx, avx2);
    return {has_avx2, has_avx2 && has_all(saved, 0xe6) && has_all(extended.ebx, f | dq | bw | vl)};
}

}  // namespace megagrad
