#include "service/cloud/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct curl_library library;
static bool loaded;

static enum err missing(void)
{
    const char *why = dlerror();
    return err_fail(ERR_UNSUPPORTED, "no_libcurl", "Install the package libcurl4.",
                    "libcurl cannot be used: %s", why ? why : "it does not start");
}

static enum err load(void)
{
    void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!handle) return missing();
    static const char *const names[] = {
#define CURL_NAME(name) #name,
        CURL_CALLS(CURL_NAME)
#undef CURL_NAME
    };
    void *found[sizeof names / sizeof *names];
    _Static_assert(sizeof found == sizeof library, "the struct holds the calls and nothing else");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!(found[i] = dlsym(handle, names[i]))) return missing();
    memcpy(&library, found, sizeof library);
    if (library.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return missing();
    loaded = true;
    return ERR_OK;
}

enum err curl_library_load(const struct curl_library **out)
{
    pthread_mutex_lock(&lock);
    enum err e = loaded ? ERR_OK : load();
    pthread_mutex_unlock(&lock);
    *out = e ? NULL : &library;
    return e;
}
