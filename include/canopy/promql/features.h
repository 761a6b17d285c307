#pragma once

namespace canopy::promql {

// What --enable-feature switches on, by Prometheus's names (promql-experimental-functions, ...).
struct Features {
  bool experimental_functions = false;
  bool extended_range_selectors = false;
  bool binop_fill_modifiers = false;
  // Names are dropped from the result only, so that label_replace can still see them.
  bool delayed_name_removal = false;
  bool per_step_stats = false;
  bool type_and_unit_labels = false;
  bool use_start_timestamps = false;
};

}  // namespace canopy::promql
