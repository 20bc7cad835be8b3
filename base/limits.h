#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every bound of the system, by name; each has a test at its edge and a line in
/// docs/configuration.md.
namespace coterie::limits {

using namespace std::chrono_literals;

inline constexpr std::size_t key_bytes = 400;  // bucket id excluded; partition key + sort key
inline constexpr std::size_t stored_key_bytes =
    key_bytes + 14;  // as on disk: token, bucket, length
inline constexpr std::size_t bucket_name_bytes = 64;
inline constexpr std::size_t value_bytes_default = 1U << 20;
inline constexpr std::size_t value_bytes_most = 16U << 20;
inline constexpr std::size_t record_bytes = 16U << 20;  // siblings together, for a put
inline constexpr std::size_t frame_bytes = 32U << 20;
inline constexpr std::size_t siblings_warn = 10;
inline constexpr std::size_t siblings_most = 64;
inline constexpr std::size_t context_actors = 1U << 16;    // of one decoded record
inline constexpr std::size_t context_bytes = 2U << 20;     // as clients hold it
inline constexpr std::size_t siblings_a_frame = 1U << 16;  // a merge refuses none, a frame must
inline constexpr std::size_t cursor_bytes = 1024;
inline constexpr std::size_t evidence_nodes = 64;
inline constexpr std::size_t error_message_bytes = 1024;
inline constexpr std::size_t build_bytes = 64;
// Of a put's result; replicas_most copies that each grew to it merge below context_actors.
inline constexpr std::size_t context_actors_put = context_actors / 8;
inline constexpr std::size_t tree_leaf_records = 64;  // on the mean; a tree deepens beyond

inline constexpr std::size_t nodes = 1000;
inline constexpr std::uint32_t partitions_least = 16;
inline constexpr std::uint32_t partitions_most = 16384;
inline constexpr std::uint32_t partitions_default = 1024;
inline constexpr std::uint32_t replicas_most = 7;
inline constexpr std::size_t zones = 32;
inline constexpr std::size_t zone_name_bytes = 64;
inline constexpr std::size_t cluster_name_bytes = 64;
inline constexpr std::size_t address_bytes = 320;  // host:port as text
inline constexpr std::uint32_t weight_most = 10000;
inline constexpr std::size_t voters_most = 7;
inline constexpr std::chrono::milliseconds time_to_live_most = 36525 * 24h;  // a century
inline constexpr std::size_t buckets = 1024;
inline constexpr std::uint32_t shards_most = 64;
inline constexpr std::uint32_t shards_default_most = 8;

inline constexpr std::size_t connections_a_shard = 10000;
inline constexpr std::size_t in_flight_requests_a_connection = 1024;
inline constexpr std::size_t in_flight_bytes_a_connection = 16U << 20;
inline constexpr std::size_t in_flight_requests_a_shard = 1U << 16;
inline constexpr std::size_t in_flight_bytes_a_shard = 256U << 20;
inline constexpr std::size_t peer_queue_bytes = 64U << 20;

// The client library's. Below what a shard lets a connection have in flight, so that a client waits
// instead of being refused.
inline constexpr std::size_t client_requests_a_connection = in_flight_requests_a_connection / 2;
inline constexpr std::size_t client_bytes_a_connection = in_flight_bytes_a_connection / 2;
inline constexpr std::size_t client_calls = 1U << 16;  // in progress, those that wait counted
inline constexpr std::size_t client_bytes = 256U << 20;
inline constexpr std::size_t client_seeds = 64;
inline constexpr std::size_t client_batch_window = 1024;  // of one batch, in progress at once

inline constexpr std::size_t batch_writes = 1000;
inline constexpr std::size_t batch_bytes = 1U << 20;
inline constexpr std::size_t scan_page_records = 1000;
inline constexpr std::size_t scan_page_bytes = 1U << 20;

inline constexpr std::size_t overlay_bytes = 64U << 20;
inline constexpr std::size_t overlay_records = 100000;
inline constexpr std::size_t overlays_held = 4;  // beyond it replicas' writes are refused too
inline constexpr auto overlay_age = 5s;
inline constexpr std::size_t checkpoint_part_entries =
    4096;  // of one commit, and a partition's all
inline constexpr std::size_t log_segment_bytes = 16U << 20;
inline constexpr auto interval_sync = 100ms;
inline constexpr auto slow_log_write = 2ms;          // a loop's writes to the log take longer
inline constexpr auto slow_log_pause = 10s;          // how long the commit thread then does them
inline constexpr auto full_retry = 1s;               // a full disk or map is tried again this often
inline constexpr auto deepening_pause = 1ms;         // between two pages of a tree's records
inline constexpr std::size_t table_key_bytes = 511;  // LMDB's own
inline constexpr std::uint64_t map_bytes_a_node = 1ULL << 40;
inline constexpr std::uint64_t map_reserve_bytes = 1ULL << 30;  // for deletes; an eighth of less

inline constexpr auto request_deadline_default = 5s;
inline constexpr auto request_deadline_most = 60s;
inline constexpr auto request_id_memory = 5min;
inline constexpr std::size_t request_ids_a_shard = 1U << 18;  // the oldest are forgotten first
inline constexpr std::size_t operations_a_shard = 1U << 18;   // the answered ones that wait counted
inline constexpr std::size_t waiting_puts_a_shard = 1U << 16;  // answered, a replica still missing
inline constexpr std::size_t clients_a_put = 8;                // tries of one put that wait for it
inline constexpr unsigned resends_a_put = 3;      // to one owner, for purges that came in between
inline constexpr unsigned restarts_a_read = 3;    // for purges that came in between
inline constexpr auto stand_in_patience = 500ms;  // for owners, before a fallback is asked
inline constexpr auto hints_full_pause = 1s;      // until a fallback that refused is asked again
inline constexpr auto purge_interval_default = 60s;
inline constexpr auto purge_patience = 10s;                    // for an owner's answer in a round
inline constexpr std::size_t waiting_requests_a_shard = 4096;  // for an epoch not heard of yet
inline constexpr std::size_t waiting_request_bytes_a_shard = 8U << 20;
inline constexpr auto copy_tend_pause = 2ms;  // between batches of what is erased
inline constexpr auto purge_pause = 2ms;      // between the steps of a round
inline constexpr std::chrono::milliseconds expired_before_purge = 10s;
inline constexpr std::size_t dead_actors_a_record = 3;  // a context is trimmed beyond them
inline constexpr std::size_t minted_keys = 1024;        // of a shard: the last dots kept for checks
inline constexpr auto max_clock_skew = 500ms;
inline constexpr auto clock_error_most = 100ms;       // of a reading of another node's clock
inline constexpr std::int64_t clock_drift_ppm = 200;  // by which a reading's error grows
inline constexpr auto clock_step = 10ms;              // the shards hear of no smaller one
inline constexpr auto clock_patience = 1s;            // of a start, for others to be compared with
inline constexpr std::uint64_t timestamp_most = 1ULL << 62;  // of a context: the year 4199
inline constexpr auto drain_least = 200ms;                   // of a stop, for go_away to be heard
inline constexpr auto drain_most = 2s;                       // of a stop, for requests in progress
inline constexpr auto queue_delay_target = 5ms;
inline constexpr auto queue_delay_interval = 100ms;

inline constexpr std::size_t admin_threads = 4;
inline constexpr std::size_t admin_queue = 16;       // connections accepted, waiting for a thread
inline constexpr std::size_t partitions_named = 12;  // where people are told of many
inline constexpr std::size_t admin_request_bytes = 1U << 16;
inline constexpr auto admin_order_patience = 15s;  // more than deciding an epoch takes
inline constexpr auto admin_patience = 3s;         // for what a request needs from the event loops
inline constexpr std::size_t peer_calls_a_shard = 1024;
inline constexpr auto inspection_patience = 2s;  // for another owner's answer to `explain`

// Anti-entropy's.
inline constexpr std::size_t tree_roots_a_frame = 256;
inline constexpr std::size_t tree_cells_a_frame = 1U << 16;
inline constexpr std::size_t range_hashes_a_frame = 1024;  // of records, sent to be compared
inline constexpr std::size_t range_hashes_few = 256;       // for less, no pieces
inline constexpr std::size_t range_pieces = 16;
inline constexpr std::size_t range_scan_records = 4096;  // hashed for one answer
inline constexpr std::size_t range_scan_bytes = 4U << 20;
inline constexpr std::size_t records_a_frame = 128;  // asked for in one question
inline constexpr std::size_t comparison_window = 8;  // questions of one comparison, unanswered
inline constexpr std::size_t repair_window = 64;     // records pushed, unanswered
inline constexpr std::size_t suspects_a_shard = 1U << 14;  // differing keys, waiting to be repaired
inline constexpr std::size_t damaged_keys_a_shard = 1U << 14;  // waiting to be refilled
inline constexpr std::size_t verify_keys = 1000;               // that a report names
inline constexpr auto comparison_patience = 5s;
inline constexpr auto damaged_retry = 30s;
inline constexpr auto verified_saved_every = 10min;

// Scrub's. A turn ends well before a read transaction of the table may (50 ms).
inline constexpr auto scrub_interval_default = 7 * 24h;
inline constexpr std::uint64_t scrub_rate_bytes = 8U << 20;  // a second, of a node
inline constexpr auto scrub_turn = 5ms;
inline constexpr std::size_t scrub_turn_bytes = 256U << 10;  // and one record at least
inline constexpr std::size_t scrub_turn_leaves = 256;
inline constexpr unsigned scrub_leaf_tries = 3;
inline constexpr unsigned scrub_stops = 3;  // of the process at one partition; then it is skipped
inline constexpr auto scrub_saved_every = 10s;
inline constexpr auto scrub_first = 1h;     // of data that were never walked, after a start
inline constexpr auto scrub_resumed = 10s;  // of a walk that a stop interrupted, after a start

// Handoff's.
inline constexpr std::uint64_t hints_a_shard = 1U << 20;
inline constexpr std::uint64_t hint_bytes_a_shard = 1U << 30;  // where the disk's size is not known
inline constexpr std::uint64_t hint_disk_part = 10;  // one part of the disk's room, for all shards
inline constexpr auto hint_age = 3h;                 // older ones are left to anti-entropy
inline constexpr auto hint_age_check = 1min;
inline constexpr std::size_t handoff_window = 64;  // records on their way to a target, of a shard
inline constexpr std::size_t handoff_window_bytes = 8U << 20;
inline constexpr std::uint64_t handoff_rate_bytes = 32U << 20;  // a second, of a node
inline constexpr auto handoff_patience = 5s;                    // for a target's answer
inline constexpr auto handoff_back_off_least = 100ms;
inline constexpr auto handoff_back_off_most = 5s;

// Of streams to new owners.
inline constexpr std::uint64_t stream_rate_bytes = 64U << 20;  // a second, into a node
inline constexpr std::size_t streams_a_shard = 4;              // that are worked on at once
inline constexpr std::size_t stream_batch_bytes = 256U << 10;  // and one record at least
inline constexpr std::size_t stream_batch_records = 256;
inline constexpr auto stream_patience = 10s;  // for a batch
inline constexpr auto stream_back_off_least = 100ms;
inline constexpr auto stream_back_off_most = 5s;
inline constexpr unsigned stream_tries = 3;  // with the owner displaced, before others are asked

// Of deciding an epoch.
inline constexpr auto epoch_vote_patience = 2s;        // for a voter's answer
inline constexpr auto epoch_decision_most = 10s;       // of one proposal, all its rounds
inline constexpr auto epoch_round_pause_least = 20ms;  // after a lost round; doubles
inline constexpr auto epoch_round_pause_most = 1s;
inline constexpr auto epoch_finish_after = 5s;  // a voter finishes what a proposer left

// Of taking a change of owners from stage to stage.
inline constexpr auto change_poll = 250ms;  // of owners' evidence; more the more nodes come before
inline constexpr auto change_patience = 2s;
inline constexpr std::size_t change_questions = 16;  // unanswered at once
inline constexpr auto change_take_over = 2s;  // for each live node that should have been faster
inline constexpr auto change_retry_least = 250ms;  // doubles
inline constexpr auto change_retry_most = 30s;
inline constexpr std::size_t witnesses = 6;      // who remember how far a node has come
inline constexpr auto marks_interval = 1s;       // they are told, if it has come further
inline constexpr auto marks_patience = 1s;       // of a start, for what they remember
inline constexpr unsigned marks_kept_every = 5;  // of these intervals, on disk
inline constexpr auto facts_patience = 2s;       // for what nodes say of themselves
inline constexpr std::size_t ring_orders = 16;   // of operators, in progress at once

inline constexpr std::size_t gossip_packet_bytes = 1400;
inline constexpr std::size_t gossip_state_bytes = 8U << 20;  // all members, for a push-pull
inline constexpr std::size_t epoch_bytes = 8U << 20;
inline constexpr std::size_t gossip_meta_bytes = 512;
inline constexpr std::size_t gossip_members = 2000;  // the dead and those that left counted
inline constexpr std::size_t gossip_seeds = 1000;
inline constexpr std::size_t gossip_seeds_at_once = 8;
inline constexpr std::size_t address_host_bytes = 255;

}  // namespace coterie::limits
