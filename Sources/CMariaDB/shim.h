#pragma once
#include <mysql.h>

/* <mysql/client_plugin.h> needs a header that Debian does not install; type 2 is authentication. */
struct st_mysql_client_plugin;
struct st_mysql_client_plugin *mysql_client_find_plugin(struct st_mysql *mysql, const char *name, int type);
