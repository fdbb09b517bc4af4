/* curl_library: libcurl, loaded when it is needed for the first time. Linked in, it and what it
 * pulls along would cost every espgate 1.4 MB of memory, also the many that call nobody. */
#ifndef SERVICE_CLOUD_CURL_LIBRARY_H
#define SERVICE_CLOUD_CURL_LIBRARY_H

#include <curl/curl.h>

#include "service/base/err.h"

/* The calls that are used, with curl.h's own types. */
#define CURL_CALLS(X)                                                                              \
    X(curl_global_init_mem)                                                                        \
    X(curl_version_info)                                                                           \
    X(curl_slist_append)                                                                           \
    X(curl_slist_free_all)                                                                         \
    X(curl_easy_init)                                                                              \
    X(curl_easy_setopt)                                                                            \
    X(curl_easy_getinfo)                                                                           \
    X(curl_easy_cleanup)                                                                           \
    X(curl_easy_strerror)                                                                          \
    X(curl_multi_init)                                                                             \
    X(curl_multi_setopt)                                                                           \
    X(curl_multi_add_handle)                                                                       \
    X(curl_multi_remove_handle)                                                                    \
    X(curl_multi_perform)                                                                          \
    X(curl_multi_poll)                                                                             \
    X(curl_multi_info_read)                                                                        \
    X(curl_multi_cleanup)

/* curl.h checks the types of some calls by macros of the same names. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

struct curl_library {
#define CURL_MEMBER(name) __typeof__(name) *name;
    CURL_CALLS(CURL_MEMBER)
#undef CURL_MEMBER
};

/** Load and initialise it; it stays until the process ends. Thread-safe.
 *  @return ERR_OK; ERR_UNSUPPORTED with code no_libcurl */
enum err curl_library_load(const struct curl_library **out);
#endif
