// The few lines of test framework that the core's tests need: named tests that register
// themselves, and checks that go on after a failure.
#pragma once

#include <cmath>
#include <cstdio>
#include <vector>

namespace megagrad::test {

struct Test {
    const char* name;
    void (*run)();
};

inline std::vector<Test>& tests() {
    static std::vector<Test> all;
    return all;
}

inline int& failures() {
    static int count = 0;
    return count;
}

struct Registration {
    Registration(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

inline bool is_close(double actual, double expected, double tolerance) {
    return std::fabs(actual - expected) <= tolerance * (1 + std::fabs(expected));
}

#define TEST(name)                                                                   \
    static void name();                                                              \
    static const ::megagrad::test::Registration registration_of_##name{#name, name}; \
    static void name()

#define CHECK(condition)                                                        \
    do {                                                                        \
        if (!(condition)) {                                                     \
            ++::megagrad::test::failures();                                     \
            std::printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
        }                                                                       \
    } while (false)

}  // namespace megagrad::test
