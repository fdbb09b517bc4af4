/* Adapters come and go through udev: its messages follow the kernel's by some milliseconds, but
 * then the links and the permissions are there. Without udev (a container) the kernel's own
 * messages are listened to, and /dev is watched, since they do not reach every container. Simulated
 * boards, and links that somebody makes by hand, are names that come and go in the folders of the
 * globs.
 *
 * What has changed is not taken from the messages: the ports are enumerated anew, as for everybody
 * else. */
#include "service/port/hotplug.h"

#include <libudev.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/base/cancel.h"
#include "service/base/log.h"
#include "service/base/thread.h"
#include "service/port/enumerate.h"
#include "service/port/folders.h"

enum { SETTLE_MS = 20, SETTLE_MOST_MS = 200, LOOK_MS = 1000 };

struct hotplug {
    const char *const *globs;
    size_t glob_count;
    hotplug_changed_fn changed;
    void *arg;
    pthread_t thread;
    struct cancel stop;
    struct udev *udev;
    struct udev_monitor *monitor; /* NULL: there is none */
    bool watch_dev;               /* the monitor alone is not enough */
    int folders;                  /* -1: there is none */
    struct port_list known;       /* as last told */
};

/* ---- what there is ---- */

static bool holds(const struct port_list *list, const struct port_info *p)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->items[i].id, p->id) && !strcmp(list->items[i].device, p->device))
            return true;
    return false;
}

/* @return whether there are new ones */
static bool tell_new(const char *what, const struct port_list *now, const struct port_list *before)
{
    bool any = false;
    for (size_t i = 0; i < now->count; i++) {
        if (holds(before, &now->items[i])) continue;
        any = true;
        log_info(what, "id=%s path=%s device=%s", now->items[i].id, now->items[i].path,
                 now->items[i].device);
    }
    return any;
}

/* @return whether others are there than before */
static bool look(struct hotplug *h, bool tell)
{
    struct port_list now;
    bool others = false;
    if (enumerate_ports(h->globs, h->glob_count, &now)) return false;
    if (tell) {
        others = tell_new("port left", &h->known, &now);
        others |= tell_new("port arrived", &now, &h->known);
    }
    free(h->known.items);
    h->known = now;
    return others;
}

/* ---- what changes ---- */

static void watch_folders(struct hotplug *h)
{
    if (h->folders < 0) return;
    for (size_t i = 0; i < h->glob_count; i++)
        folders_watch(h->folders, h->globs[i]);
    if (h->watch_dev) folders_watch(h->folders, "/dev/*");
}

static bool drain_monitor(struct udev_monitor *m)
{
    bool any = false;
    for (struct udev_device *d; (d = udev_monitor_receive_device(m)); any = true)
        udev_device_unref(d);
    return any;
}

/* A socket that is broken would be "readable" for ever. */
static void give_up_monitor(struct hotplug *h)
{
    log_warn("udev is gone, ports are looked at every second", NULL);
    udev_monitor_unref(h->monitor);
    h->monitor = NULL;
    h->watch_dev = true;
}

/* Wait until something changes, at most @p ms (-1: for ever). @return whether it did */
static bool await_change(struct hotplug *h, int ms)
{
    struct pollfd fds[] = {{h->stop.fd, POLLIN, 0},
                           {h->folders, POLLIN, 0},
                           {h->monitor ? udev_monitor_get_fd(h->monitor) : -1, POLLIN, 0}};
    if (poll(fds, 3, ms) <= 0) return false;
    bool any = fds[1].revents && folders_drain(h->folders);
    if (fds[2].revents) {
        /* An overflow is an error that is gone once it was read; what it hid is a change, too. */
        any |= drain_monitor(h->monitor) || fds[2].revents & POLLERR;
        if (fds[2].revents & (POLLHUP | POLLNVAL)) give_up_monitor(h);
    }
    return any;
}

static bool has_stopped(const struct hotplug *h)
{
    return cancel_is_raised(&h->stop);
}

static void *hotplug_main(void *arg)
{
    struct hotplug *h = arg;
    while (!has_stopped(h)) {
        bool blind = !h->monitor || h->folders < 0;
        bool any = await_change(h, blind ? LOOK_MS : -1);
        if (has_stopped(h) || (!any && !blind)) continue;
        struct deadline most = deadline_in_ms(SETTLE_MOST_MS);
        while (any && !has_stopped(h) && !deadline_passed(most))
            any = await_change(h, SETTLE_MS);
        watch_folders(h);
        bool others = look(h, true);
        h->changed(others, h->arg);
    }
    return NULL;
}

/* ---- life ---- */

static struct udev_monitor *listen_to(struct udev *udev, const char *group)
{
    struct udev_monitor *m = udev_monitor_new_from_netlink(udev, group);
    if (m && udev_monitor_filter_add_match_subsystem_devtype(m, "tty", NULL) >= 0 &&
        udev_monitor_enable_receiving(m) >= 0)
        return m;
    return udev_monitor_unref(m); /* NULL */
}

static void open_sources(struct hotplug *h)
{
    bool has_udev = access("/run/udev/control", F_OK) == 0;
    h->udev = udev_new();
    if (h->udev) h->monitor = listen_to(h->udev, has_udev ? "udev" : "kernel");
    h->watch_dev = !has_udev || !h->monitor;
    h->folders = folders_open();
    if (!h->monitor || h->folders < 0)
        log_warn("hotplug is not told, ports are looked at every second", "udev=%d inotify=%d",
                 h->monitor != NULL, h->folders >= 0);
    watch_folders(h);
}

static void dispose(struct hotplug *h)
{
    if (h->folders >= 0) close(h->folders);
    udev_monitor_unref(h->monitor);
    udev_unref(h->udev);
    cancel_dispose(&h->stop);
    free(h->known.items);
    free(h);
}

enum err hotplug_start(const char *const *globs, size_t glob_count, hotplug_changed_fn changed,
                       void *arg, struct hotplug **out)
{
    *out = NULL;
    struct hotplug *h = calloc(1, sizeof *h);
    if (!h) return err_set(ERR_MEM, "out of memory");
    h->globs = globs;
    h->glob_count = glob_count;
    h->changed = changed;
    h->arg = arg;
    h->folders = h->stop.fd = -1;
    enum err e = cancel_init(&h->stop);
    if (!e) {
        open_sources(h);
        look(h, false);
        e = thread_start(&h->thread, "hotplug", hotplug_main, h);
    }
    if (e)
        dispose(h);
    else
        *out = h;
    return e;
}

void hotplug_stop(struct hotplug *h)
{
    if (!h) return;
    cancel_raise(&h->stop);
    pthread_join(h->thread, NULL);
    dispose(h);
}
