#include "storage/arena.h"

#include <sys/mman.h>

#include <new>
#include <utility>

namespace coterie {

namespace {

constexpr std::size_t block_bytes = 1U << 20;
constexpr std::size_t page_bytes = 4096;
/// What is larger has a block of its own, so that no block's end is wasted for it.
constexpr std::size_t large_bytes = block_bytes / 8;

std::size_t round_up(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

}  // namespace

Arena::~Arena() {
  for (const auto& block : blocks_) ::munmap(block.memory, block.bytes);
}

void Arena::swap(Arena& other) noexcept {
  std::swap(blocks_, other.blocks_);
  std::swap(next_, other.next_);
  std::swap(left_, other.left_);
  std::swap(used_bytes_, other.used_bytes_);
}

void* Arena::map_block(std::size_t bytes) {
  blocks_.emplace_back();
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    blocks_.pop_back();
    throw std::bad_alloc();
  }
  blocks_.back() = {.memory = memory, .bytes = bytes};
  return memory;
}

void* Arena::allocate(std::size_t bytes) {
  bytes = round_up(bytes, alignof(void*));
  used_bytes_ += bytes;
  if (bytes > large_bytes) return map_block(round_up(bytes, page_bytes));
  if (bytes > left_) {
    next_ = static_cast<std::byte*>(map_block(block_bytes));
    left_ = block_bytes;
  }
  left_ -= bytes;
  return std::exchange(next_, next_ + bytes);
}

}  // namespace coterie
