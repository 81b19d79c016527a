// Prints how many multiply-adds of doubles one core does in a second, at best: chains of fused
// ones, in registers alone and enough of them that none waits for another.

#include <immintrin.h>

#include <chrono>
#include <cstdio>

namespace {

constexpr int chains = 12;
constexpr long rounds = 20'000'000;

double seconds() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(now).count();
}

__attribute__((target("avx2,fma"))) double sum_of_chains_avx2() {
    const __m256d factor = _mm256_set1_pd(0.999999), term = _mm256_set1_pd(1e-6);
    __m256d sums[chains] = {};
    for (long round = 0; round < rounds; ++round)
        for (__m256d& sum : sums) sum = _mm256_fmadd_pd(sum, factor, term);
    double total = 0;
    for (const __m256d& sum : sums) total += sum[0];
    return total;
}

__attribute__((target("avx512f"))) double sum_of_chains_avx512() {
    const __m512d factor = _mm512_set1_pd(0.999999), term = _mm512_set1_pd(1e-6);
    __m512d sums[chains] = {};
    for (long round = 0; round < rounds; ++round)
        for (__m512d& sum : sums) sum = _mm512_fmadd_pd(sum, factor, term);
    double total = 0;
    for (const __m512d& sum : sums) total += sum[0];
    return total;
}

double rate(double (*sum_of_chains)(), int lanes) {
    const double start = seconds();
    // The compiler may not leave out what is used here.
    const volatile double used = sum_of_chains();
    (void)used;
    return static_cast<double>(rounds) * chains * lanes / (seconds() - start);
}

}  // namespace

int main() {
    double best = 0;
    if (__builtin_cpu_supports("avx512f")) best = rate(sum_of_chains_avx512, 8);
    if (__builtin_cpu_supports("fma")) {
        const double narrower = rate(sum_of_chains_avx2, 4);
        if (narrower > best) best = narrower;
    }
    std::printf("%.4e\n", best);
}
