#include "fast_hash.h"
