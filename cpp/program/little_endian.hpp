// Numbers as bytes, the lowest one first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace megagrad {

inline void append_bytes(std::string& bytes, std::uint64_t number, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(number >> (8 * i) & 0xff);
}

inline std::uint64_t from_bytes_at(const char* bytes, std::size_t size) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < size; ++i)
        number |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return number;
}

}  // namespace megagrad
