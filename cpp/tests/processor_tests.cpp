// What the processor can do, as we find out, and as the compiler's library does.
#include <string>
#include <vector>

#include "program/kernels/instruction_sets.hpp"
#include "tests/check.hpp"

namespace megagrad::test {

#if defined(MEGAGRAD_X86_KERNELS) && defined(__GNUC__)
TEST_CASE("instruction sets are those that the compilers library finds") {
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

TEST_CASE("the best instruction set is in use at first and unknown ones are not taken") {
    const std::vector<std::string> names = instruction_sets();
    CHECK(names.back() == "baseline");
    CHECK(!use_instruction_set("no such"));
    for (const std::string& name : names) CHECK(use_instruction_set(name));
    CHECK(use_instruction_set(names.front()));
}

}  // namespace megagrad::test
