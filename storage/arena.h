#pragma once

#include <cstddef>
#include <vector>

namespace coterie {

/// Memory that goes back to the system as a whole when the arena ends. It comes from there in large
/// blocks past the heap, which would keep what two threads have taken and given back in turn.
class Arena {
 public:
  Arena() = default;
  Arena(Arena&& other) noexcept { swap(other); }
  Arena& operator=(Arena&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Arena();

  /// Aligned for pointers; zero.
  [[nodiscard]] void* allocate(std::size_t bytes);
  [[nodiscard]] std::size_t used_bytes() const { return used_bytes_; }

 private:
  struct Block {
    void* memory = nullptr;
    std::size_t bytes = 0;
  };

  void swap(Arena& other) noexcept;
  [[nodiscard]] void* map_block(std::size_t bytes);

  std::vector<Block> blocks_;
  std::byte* next_ = nullptr;  // of the newest shared block
  std::size_t left_ = 0;
  std::size_t used_bytes_ = 0;
};

}  // namespace coterie
