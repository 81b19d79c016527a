// A checksum of bytes, against damage on the way; it is no secret, so not against malice.
#pragma once

#include <cstdint>
#include <string_view>

namespace megagrad {

// FNV-1a. Every single changed byte changes it: each step is a bijection of what was before.
constexpr std::uint64_t checksum(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char byte : bytes)
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
    return hash;
}

}  // namespace megagrad
