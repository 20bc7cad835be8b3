#pragma once

#include <string>

#include "client/admin_tool/talk.h"

/// The commands by which operators change the ring. Each gives the exit code. What is staged is
/// staged at the node that is asked.
namespace coterie::admin_tool {

/// `what`: join, leave, replace, weight, zone or remove, of options.target, options.address and so
/// on. A remove says first what goes with the node, and wants a confirmation. With options.is_sure
/// a join or leave is planned and begun at once, if nothing else is staged and nothing speaks
/// against it.
int run_stage(const Options& options, const std::string& what);
/// What is staged about options.target, or all.
int run_unstage(const Options& options);
int run_clear(const Options& options);

int show_plan(const Options& options);
int run_commit(const Options& options);

/// `action`: abort, pause or resume, of options.change; of the only one if it names none.
int run_on_change(const Options& options, const std::string& action);

/// Stops the node options.target cleanly, and waits until it has.
int run_drain(const Options& options);

}  // namespace coterie::admin_tool
