// Runs every test of the core, or those without any of the arguments in their names; the last line
// counts them.
#include <algorithm>
#include <cstring>

#include "tests/check.hpp"

int main(int count, char** arguments) {
    using namespace megagrad::test;
    int passed = 0, failed = 0;
    for (const Test& test : tests()) {
        const auto names_it = [&](const char* part) { return std::strstr(test.name, part); };
        if (std::any_of(arguments + 1, arguments + count, names_it)) continue;
        const int before = failures();
        test.run();
        if (failures() == before) {
            ++passed;
        } else {
            ++failed;
            std::printf("FAILED %s\n", test.name);
        }
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
