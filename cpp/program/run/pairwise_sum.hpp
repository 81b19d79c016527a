// The sum of vectors that come in any order, always added in the same one: as a balanced tree over
// their numbers. So results depend neither on which thread was first nor on how many there are.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace megagrad {

class PairwiseSum {
public:
    // Takes the vector of that number. Safe to be called by several threads.
    void add(std::size_t number, std::vector<double> vector) {
        const std::lock_guard lock(mutex_);
        int level = 0;
        for (;; ++level, number /= 2) {
            const auto sibling = parts_.find({level, number ^ 1});
            if (sibling == parts_.end()) break;
            vector = number % 2 == 0 ? sum(std::move(vector), sibling->second)
                                     : sum(std::move(sibling->second), vector);
            parts_.erase(sibling);
        }
        parts_.emplace(std::pair(level, number), std::move(vector));
    }

    // What is left is one part for each bit of the count, the smallest ones last.
    std::vector<double> total() {
        std::vector<double> result;
        for (auto& [place, part] : parts_)
            result = result.empty() ? std::move(part) : sum(std::move(part), result);
        parts_.clear();
        return result;
    }

private:
    static std::vector<double> sum(std::vector<double> a, const std::vector<double>& b) {
        for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
        return a;
    }

    std::mutex mutex_;
    std::map<std::pair<int, std::size_t>, std::vector<double>> parts_;
};

}  // namespace megagrad
