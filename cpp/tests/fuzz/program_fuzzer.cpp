// A libFuzzer target: bytes that may be a saved program. They are refused with a text that says
// what is wrong, or they are a program that can be listed, saved again and run.
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "program/program.hpp"
#include "tests/fuzz/program_replays.hpp"

namespace megagrad::test {

namespace {

// What an error's text begins with; then it says what is wrong.
bool is_refusal(const std::string& text) {
    for (const std::string start : {"not a saved program of this version: ", "no valid program: "})
        if (text.compare(0, start.size(), start) == 0 && text.size() > start.size()) return true;
    return false;
}

void check_survival(const Program& program) {
    const std::string bytes = to_bytes(program);
    const Program again = from_bytes(bytes.data(), bytes.size());
    expect(to_bytes(again) == bytes, "a program that was saved twice is the same");
    expect(listing(again) == listing(program), "a saved program is listed as before");
}

void check(const char* bytes, std::size_t size) {
    Program program;
    try {
        program = from_bytes(bytes, size);
    } catch (const std::invalid_argument& error) {
        expect(is_refusal(error.what()), "a refusal says what is wrong");
        return;
    }
    check_survival(program);
    check_replays(program);
}

}  // namespace

}  // namespace megagrad::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    megagrad::test::check(reinterpret_cast<const char*>(data), size);
    return 0;
}
