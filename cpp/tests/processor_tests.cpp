// What the processor can do, as we find out, and as the compiler's library does.
#include <string>
#include <vector>

#include "program/kernels/isa.hpp"
#include "tests/check.hpp"

namespace megagrad::test {

#if defined(MEGAGRAD_X86_KERNELS) && defined(__GNUC__)
TEST(instruction_sets_are_those_that_the_compilers_library_finds) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("sse2")) return;  // Zig's library knows nothing
    std::vector<std::string> expected;
    const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
        expected.push_back("avx512");
    if (has_avx2) expected.push_back("avx2");
    expected.push_back("baseline");
    CHECK(instruction_sets() == expected);
}
#endif

TEST(the_best_instruction_set_is_in_use_at_first_and_unknown_ones_are_not_taken) {
    const std::vector<std::string> names = instruction_sets();
    CHECK(names.back() == "baseline");
    CHECK(!use_instruction_set("no such"));
    for (const std::string& name : names) CHECK(use_instruction_set(name));
    CHECK(use_instruction_set(names.front()));
}

}  // namespace megagrad::test
