#pragma once
#include <git2.h>
#include <git2/sys/index.h>

// git_libgit2_opts takes a variable number of arguments, which Swift cannot call.
static inline int clibgit2_set_owner_validation(int enabled) {
  return git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, enabled);
}
