// Runs every test of the core; the last line counts them.
#include "check.hpp"

int main() {
    using namespace megagrad::test;
    int failed = 0;
    for (const Test& test : tests()) {
        const int before = failures();
        test.run();
        if (failures() == before) continue;
        ++failed;
        std::printf("FAILED %s\n", test.name);
    }
    std::printf("%d passed, %d failed\n", static_cast<int>(tests().size()) - failed, failed);
    return failed == 0 ? 0 : 1;
}
