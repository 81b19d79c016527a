// A number of 31 bits with a mark beside it, in 32 bits.
#pragma once

#include <cstdint>

namespace megagrad {

// A base of types that say what is numbered and what the mark means. By hand, as a compiler's
// bit-fields cost the kernel of relu four fifths more instructions.
class MarkedNumber {
public:
    static constexpr std::uint32_t limit = std::uint32_t{1} << 31;  // numbers are below

    constexpr MarkedNumber(std::uint32_t number, bool is_marked)
        : bits_(number | (is_marked ? limit : 0)) {}
    constexpr std::uint32_t number() const { return bits_ & ~limit; }
    constexpr std::uint32_t bits() const { return bits_; }
    constexpr bool operator==(const MarkedNumber&) const = default;

protected:
    constexpr bool is_marked() const { return (bits_ & limit) != 0; }

private:
    std::uint32_t bits_;
};

}  // namespace megagrad
