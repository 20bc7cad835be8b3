#include "storage/lmdb_table.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/codec.h"

namespace coterie {

namespace {

constexpr std::array<const char*, spaces> database_names = {"records", "trees", "hints",
                                                            "acceptors", "meta"};
constexpr const char* own_database_name = "table";
constexpr BytesView format_key = "format";
constexpr BytesView position_key = "position";
constexpr MDB_dbi free_database = 0;  // LMDB's own list of free pages

std::unexpected<Error> refuse(int code, const std::string& doing) {
  const auto words = doing + ": " + mdb_strerror(code);
  switch (code) {
    case MDB_MAP_FULL:
      return fail(ErrorCode::read_only, words + "; delete data, or raise the map's size");
    case ENOSPC:
    case EDQUOT:
    case EROFS:
      return fail(ErrorCode::read_only, words + "; make room on the disk");
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_PANIC:
      return fail(ErrorCode::corrupt, words);
    case MDB_VERSION_MISMATCH:
      return fail(ErrorCode::unsupported_version, words);
    default:
      return fail(ErrorCode::io, words);
  }
}

/// LMDB asks for pointers to what it does not change.
MDB_val borrow(BytesView bytes) {
  return {.mv_size = bytes.size(), .mv_data = const_cast<char*>(bytes.data())};
}

BytesView view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

/// What LMDB asserts and a page that went bad belies. Newer versions answer MDB_CORRUPTED instead.
struct FailedAssertion {};

thread_local bool is_reading_guarded = false;
thread_local std::string failed_assertion;

extern "C" void on_failed_assertion(MDB_env* environment, const char* what) {
  failed_assertion = what;
  // Through LMDB's own frames: what only reads holds no lock there, and leaves nothing half done.
  if (is_reading_guarded) throw FailedAssertion{};
  const auto* directory = static_cast<const std::string*>(mdb_env_get_userctx(environment));
  std::fprintf(stderr,
               "coterie: the table in %s is damaged, and cannot be written any more; this process "
               "ends. See docs/operations.md, \"A damaged table\". LMDB says:\n",
               directory->c_str());
}

/// LMDB's answer to a call that reads.
template <class Call>
int guarded(const Call& call) {
  is_reading_guarded = true;
  int code = 0;
  failed_assertion.clear();
  try {
    code = call();
  } catch (const FailedAssertion&) {
    code = MDB_CORRUPTED;
  }
  is_reading_guarded = false;
  return code;
}

struct AbortTransaction {
  void operator()(MDB_txn* transaction) const { mdb_txn_abort(transaction); }
};
using Transaction = std::unique_ptr<MDB_txn, AbortTransaction>;

struct CloseCursor {
  void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
};
using Cursor = std::unique_ptr<MDB_cursor, CloseCursor>;

Result<Transaction> begin(MDB_env* environment, unsigned flags) {
  MDB_txn* transaction = nullptr;
  if (const int code = mdb_txn_begin(environment, nullptr, flags, &transaction); code != 0) {
    return refuse(code, "beginning a transaction of the table");
  }
  return Transaction(transaction);
}

/// Less than this is none: what a write that found no room for all of it leaves to others.
constexpr std::uintmax_t no_room_bytes = 1U << 20;

bool is_disk_full(const std::string& directory) {
  std::error_code unknown;
  const auto space = std::filesystem::space(directory, unknown);
  return !unknown && space.available < no_room_bytes;
}

Result<void> commit_transaction(Transaction transaction, const std::string& directory) {
  int code = mdb_txn_commit(transaction.release());
  // LMDB says so where only a part of its pages could be written.
  if (code == EIO && is_disk_full(directory)) code = ENOSPC;
  if (code != 0) return refuse(code, "committing to the table");
  return {};
}

Result<Cursor> open_cursor(MDB_txn* transaction, MDB_dbi database) {
  MDB_cursor* cursor = nullptr;
  if (const int code = mdb_cursor_open(transaction, database, &cursor); code != 0) {
    return refuse(code, "opening a cursor of the table");
  }
  return Cursor(cursor);
}

Result<void> put(MDB_txn* transaction, MDB_dbi database, BytesView key, BytesView value) {
  auto key_value = borrow(key);
  auto data = borrow(value);
  if (const int code = mdb_put(transaction, database, &key_value, &data, 0); code != 0) {
    return refuse(code, "writing to the table");
  }
  return {};
}

Result<std::optional<Bytes>> look_up(MDB_txn* transaction, MDB_dbi database, BytesView key) {
  auto key_value = borrow(key);
  MDB_val data{};
  const int code = mdb_get(transaction, database, &key_value, &data);
  if (code == MDB_NOTFOUND) return std::nullopt;
  if (code != 0) return refuse(code, "reading the table");
  return Bytes(view(data));
}

/// LMDB syncs its files, not the directory that names them.
Result<void> sync_directory(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return refuse(errno, "opening " + path);
  const int synced = ::fsync(descriptor);
  const int why = errno;
  ::close(descriptor);
  if (synced != 0) return refuse(why, "syncing " + path);
  return {};
}

Result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0750) == 0) {
    const auto slash = path.find_last_of('/');
    return sync_directory(slash == std::string::npos ? "." : path.substr(0, slash + 1));
  }
  if (errno == EEXIST) return {};
  return refuse(errno, "making " + path);
}

}  // namespace

LmdbTable::LmdbTable(MDB_env* environment, const Options& options)
    : environment_(environment), options_(options) {}

LmdbTable::~LmdbTable() {
  if (reader_ != nullptr) mdb_txn_abort(reader_);
  mdb_env_close(environment_);
}

Result<std::unique_ptr<LmdbTable>> LmdbTable::open(const Options& options) {
  if (auto done = make_directory(options.directory); !done) {
    return std::unexpected(std::move(done).error());
  }
  MDB_env* environment = nullptr;
  if (const int code = mdb_env_create(&environment); code != 0) {
    return refuse(code, "creating the table's environment");
  }
  std::unique_ptr<LmdbTable> table(new LmdbTable(environment, options));
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto map_bytes = (options.map_bytes + page_bytes - 1) / page_bytes * page_bytes;
  int code = mdb_env_set_maxdbs(environment, database_names.size() + 1);
  if (code == 0) code = mdb_env_set_mapsize(environment, map_bytes);
  if (code == 0) code = mdb_env_set_userctx(environment, table->directory());
  if (code == 0) code = mdb_env_set_assert(environment, on_failed_assertion);
  // read transactions belong to objects, not threads: the loop's is reset and renewed
  if (code == 0) code = mdb_env_open(environment, options.directory.c_str(), MDB_NOTLS, 0640);
  int dead_readers = 0;
  if (code == 0) code = mdb_reader_check(environment, &dead_readers);
  if (code != 0) return refuse(code, "opening the table in " + options.directory);
  if (auto done = table->open_databases(); !done) return std::unexpected(std::move(done).error());
  if (auto done = sync_directory(options.directory); !done) {
    return std::unexpected(std::move(done).error());
  }
  if (auto done = table->measure(); !done) return std::unexpected(std::move(done).error());
  return table;
}

/// Refuses a newer build's table before it makes anything in it.
Result<void> LmdbTable::open_databases() {
  auto transaction = begin(environment_, 0);
  if (!transaction) return std::unexpected(std::move(transaction).error());
  auto* raw = transaction->get();
  const auto open_database = [&](const char* name, unsigned& database) -> Result<void> {
    if (const int code = mdb_dbi_open(raw, name, MDB_CREATE, &database); code != 0) {
      return refuse(code, std::string("opening the table's database ") + name);
    }
    return {};
  };
  if (auto done = open_database(own_database_name, own_database_); !done) return done;
  auto format = look_up(raw, own_database_, format_key);
  if (!format) return std::unexpected(std::move(format).error());
  if (*format) {
    ByteReader reader(**format);
    const auto version = reader.u16();
    if (!reader.ok()) return fail(ErrorCode::corrupt, "the table's format version is malformed");
    if (version > format_version) {
      return fail(ErrorCode::unsupported_version,
                  "the table in " + options_.directory + " was written by a newer build (format " +
                      std::to_string(version) + "; this one knows " +
                      std::to_string(format_version) + "): start that build");
    }
  } else {
    Bytes version;
    ByteWriter(version).u16(format_version);
    if (auto done = put(raw, own_database_, format_key, version); !done) return done;
  }
  for (std::size_t i = 0; i < spaces; ++i) {
    if (auto done = open_database(database_names[i], databases_[i]); !done) return done;
  }
  return commit_transaction(std::move(*transaction), options_.directory);
}

Result<void> LmdbTable::commit(std::span<const Entry> entries,
                               std::optional<LogPosition> position) {
  auto transaction = begin(environment_, 0);
  if (!transaction) return std::unexpected(std::move(transaction).error());
  if (auto done = apply(transaction->get(), entries); !done) return done;
  if (position) {
    Bytes encoded;
    ByteWriter(encoded).u64(position->value);
    if (auto put_it = put(transaction->get(), own_database_, position_key, encoded); !put_it) {
      return put_it;
    }
  }
  auto done = commit_transaction(std::move(*transaction), options_.directory);
  if (!done) return done;
  commits_.fetch_add(1, std::memory_order_release);
  return measure();
}

Result<void> LmdbTable::apply(MDB_txn* transaction, std::span<const Entry> entries) const {
  while (!entries.empty()) {
    const auto space = entries.front().space;
    const auto end = std::find_if(entries.begin(), entries.end(),
                                  [space](const Entry& entry) { return entry.space != space; });
    const auto count = static_cast<std::size_t>(end - entries.begin());
    if (auto done = apply_space(transaction, space, entries.first(count)); !done) return done;
    entries = entries.subspan(count);
  }
  return {};
}

Result<void> LmdbTable::apply_space(MDB_txn* transaction, Space space,
                                    std::span<const Entry> entries) const {
  const auto database = databases_[index_of(space)];
  auto cursor = open_cursor(transaction, database);
  if (!cursor) return std::unexpected(std::move(cursor).error());
  MDB_val last_key{};
  MDB_val last_data{};
  const int found = mdb_cursor_get(cursor->get(), &last_key, &last_data, MDB_LAST);
  if (found != 0 && found != MDB_NOTFOUND) return refuse(found, "reading the table's last key");
  const Bytes last = found == 0 ? Bytes(view(last_key)) : Bytes();
  for (const auto& entry : entries) {
    auto key = borrow(entry.key);
    if (!entry.value) {
      const int code = mdb_del(transaction, database, &key, nullptr);
      if (code != 0 && code != MDB_NOTFOUND) return refuse(code, "erasing from the table");
      continue;
    }
    auto data = borrow(*entry.value);
    // keys come in order: what lies beyond the last one needs no search
    const unsigned flags = entry.key > last ? MDB_APPEND : 0;
    if (const int code = mdb_cursor_put(cursor->get(), &key, &data, flags); code != 0) {
      return refuse(code, "writing to the table");
    }
  }
  return {};
}

/// Counts what the last commit left, for the loop to read at any time.
Result<void> LmdbTable::measure() {
  auto transaction = begin(environment_, MDB_RDONLY);
  if (!transaction) return std::unexpected(std::move(transaction).error());
  MDB_envinfo information{};
  MDB_stat statistics{};
  int code = mdb_env_info(environment_, &information);
  for (std::size_t i = 0; i < spaces && code == 0; ++i) {
    code = mdb_stat(transaction->get(), databases_[i], &statistics);
    entries_[i] = statistics.ms_entries;
  }
  if (code == 0) code = mdb_env_stat(environment_, &statistics);
  if (code != 0) return refuse(code, "measuring the table");
  auto cursor = open_cursor(transaction->get(), free_database);
  if (!cursor) return std::unexpected(std::move(cursor).error());
  std::uint64_t free_pages = 0;
  MDB_val key{};
  MDB_val data{};
  const auto next = [&] { return mdb_cursor_get(cursor->get(), &key, &data, MDB_NEXT); };
  while ((code = guarded(next)) == 0) {
    std::size_t pages = 0;  // each entry begins with their number
    std::memcpy(&pages, data.mv_data, std::min(sizeof pages, data.mv_size));
    free_pages += pages;
  }
  if (code != MDB_NOTFOUND) return refuse(code, "measuring the table's free pages");
  used_bytes_ = (information.me_last_pgno + 1 - free_pages) * statistics.ms_psize;
  return {};
}

std::uint64_t LmdbTable::free_bytes() const {
  const auto used = used_bytes_.load();
  return options_.map_bytes > used ? options_.map_bytes - used : 0;
}

std::uint64_t LmdbTable::entries(Space space) const {
  return entries_[index_of(space)];
}

Result<MDB_txn*> LmdbTable::reader() const {
  const auto commits = commits_.load(std::memory_order_acquire);
  if (is_reading_ && reader_commits_ == commits) return reader_;
  if (is_reading_) mdb_txn_reset(reader_);
  is_reading_ = false;
  if (reader_ == nullptr) {
    auto transaction = begin(environment_, MDB_RDONLY);
    if (!transaction) return std::unexpected(std::move(transaction).error());
    reader_ = transaction->release();
  } else if (const int code = mdb_txn_renew(reader_); code != 0) {
    return refuse(code, "renewing the table's reader");
  }
  is_reading_ = true;
  reader_commits_ = commits;
  return reader_;
}

/// After an error LMDB takes the transaction for broken, and with it the rest of the loop's turn.
std::unexpected<Error> LmdbTable::refuse_read(int code, const char* doing) const {
  if (reader_ != nullptr) mdb_txn_abort(reader_);
  reader_ = nullptr;
  is_reading_ = false;
  const std::string why = failed_assertion.empty() ? "" : " (" + failed_assertion + ")";
  return refuse(code, std::string(doing) + " in " + options_.directory + why);
}

void LmdbTable::end_read() {
  if (is_reading_) mdb_txn_reset(reader_);
  is_reading_ = false;
}

Result<LogPosition> LmdbTable::position() const {
  auto transaction = reader();
  if (!transaction) return std::unexpected(std::move(transaction).error());
  auto stored = look_up(*transaction, own_database_, position_key);
  if (!stored) return std::unexpected(std::move(stored).error());
  if (!*stored) return LogPosition{};
  ByteReader bytes(**stored);
  const LogPosition position{bytes.u64()};
  if (!bytes.finished()) return fail(ErrorCode::corrupt, "the table's position is malformed");
  return position;
}

Result<std::optional<Bytes>> LmdbTable::get(Space space, BytesView key) const {
  auto transaction = reader();
  if (!transaction) return std::unexpected(std::move(transaction).error());
  auto key_value = borrow(key);
  MDB_val data{};
  const int code = guarded(
      [&] { return mdb_get(*transaction, databases_[index_of(space)], &key_value, &data); });
  if (code == MDB_NOTFOUND) return std::nullopt;
  if (code != 0) return refuse_read(code, "reading the table");
  return Bytes(view(data));
}

Result<void> LmdbTable::scan(Space space, BytesView from, BytesView to,
                             const Store::Visitor& visit) const {
  auto transaction = reader();
  if (!transaction) return std::unexpected(std::move(transaction).error());
  auto cursor = open_cursor(*transaction, databases_[index_of(space)]);
  if (!cursor) return std::unexpected(std::move(cursor).error());
  auto key = borrow(from);
  MDB_val data{};
  const auto move = [&](MDB_cursor_op where) {
    return guarded([&] { return mdb_cursor_get(cursor->get(), &key, &data, where); });
  };
  int code = move(from.empty() ? MDB_FIRST : MDB_SET_RANGE);
  while (code == 0) {
    if (!to.empty() && view(key) >= to) return {};
    if (!visit(view(key), view(data))) return {};
    code = move(MDB_NEXT);
  }
  if (code == MDB_NOTFOUND) return {};
  cursor->reset();
  return refuse_read(code, "scanning the table");
}

}  // namespace coterie
