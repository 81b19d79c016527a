// The addresses of all Values that were taken from the interpreter's allocator.
//
// Plain nodes are unknown to the cyclic collector. If a Python object is attached to a node that
// others were computed from already, those may become part of a cycle after all, and a node does
// not know its users: so all must be found. A bit for every 16 bytes costs less than a byte a node.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace megagrad::python {

class LiveNodes {
public:
    void add(const void* address) {
        Region& region = region_of(address);
        region.bits[word_of(address)] |= bit_of(address);
        ++region.count;
    }

    void remove(const void* address) {
        Region& region = region_of(address);
        region.bits[word_of(address)] &= ~bit_of(address);
        if (--region.count > 0) return;
        recent_ = nullptr;
        regions_.erase(number_of(address));
    }

    template <class Visit>
    void for_each(Visit visit) const {
        for (const auto& [number, region] : regions_)
            for (std::size_t word = 0; word < region.bits.size(); ++word)
                for (std::uint64_t bits = region.bits[word]; bits != 0; bits &= bits - 1) {
                    const std::size_t granule =
                        word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
                    visit(reinterpret_cast<void*>(number * region_size + granule * granule_size));
                }
    }

private:
    static constexpr std::uintptr_t granule_size = 2 * sizeof(void*);  // the allocator's alignment
    static constexpr std::uintptr_t region_size = std::uintptr_t{1} << 20;

    struct Region {
        std::array<std::uint64_t, region_size / granule_size / 64> bits{};
        std::size_t count = 0;
    };

    static std::uintptr_t number_of(const void* address) {
        return reinterpret_cast<std::uintptr_t>(address) / region_size;
    }
    static std::uintptr_t granule_of(const void* address) {
        return reinterpret_cast<std::uintptr_t>(address) % region_size / granule_size;
    }
    static std::size_t word_of(const void* address) { return granule_of(address) / 64; }
    static std::uint64_t bit_of(const void* address) {
        return std::uint64_t{1} << (granule_of(address) % 64);
    }

    Region& region_of(const void* address) {
        const std::uintptr_t number = number_of(address);
        if (recent_ == nullptr || number != recent_number_) {
            recent_ = &regions_[number];
            recent_number_ = number;
        }
        return *recent_;
    }

    std::unordered_map<std::uintptr_t, Region> regions_;
    Region* recent_ = nullptr;
    std::uintptr_t recent_number_ = 0;
};

}  // namespace megagrad::python
