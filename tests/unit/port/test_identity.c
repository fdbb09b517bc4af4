#include "service/port/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void usb_paths_name_the_socket(void **state)
{
    (void)state;
    static const struct {
        const char *sys, *id;
    } cases[] = {
        {"/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.4/1-1.4:1.0/ttyUSB0", "usb-1-1.4:if00"},
        {"/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.1", "usb-1-2:if01"},
        {"/sys/devices/platform/soc/usb3/3-1/3-1.2/3-1.2.10/3-1.2.10:1.12/ttyUSB9",
         "usb-3-1.2.10:if12"},
        {"/sys/devices/platform/serial8250/tty/ttyS0", ""},
        {"/sys/devices/usb1/1-:1.0/x", ""},
        {"/sys/devices/usb1/1-1:/x", ""},
        {"/sys/devices/usb1/1-1:1/x", ""},
        {"/sys/devices/usb1/1-1:1./x", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char id[64];
        assert_int_equal(identity_usb_path(cases[i].sys, id, sizeof id), cases[i].id[0] != '\0');
        assert_string_equal(id, cases[i].id);
    }
    char small[8];
    assert_false(identity_usb_path(cases[0].sys, small, sizeof small));
    assert_string_equal(small, "");
}

static void a_link_is_found_by_what_it_points_to(void **state)
{
    (void)state;
    char dir[] = "/tmp/identity-XXXXXX", path[300], name[128];
    static const char *const links[][2] = {{"usb-B-if00", "/dev/null"},
                                           {"usb-A-if00", "/dev/null"},
                                           {"usb-0-if00", "/dev/zero"},
                                           {"usb-0-gone", "nowhere"}};
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, links[i][0]);
        assert_int_equal(symlink(links[i][1], path), 0);
    }
    assert_true(identity_link(dir, "/dev/null", name, sizeof name));
    assert_string_equal(name, "usb-A-if00"); /* the first of two, whatever order the folder has */
    assert_false(identity_link(dir, "/dev/full", name, sizeof name));
    assert_string_equal(name, "");
    assert_false(identity_link(dir, "/dev/null", name, 5)); /* a name that was cut is none */
    assert_string_equal(name, "");
    assert_false(identity_link("/nonexistent", "/dev/null", name, sizeof name));
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, links[i][0]);
        unlink(path);
    }
    rmdir(dir);
}

static void bridges_have_names(void **state)
{
    (void)state;
    assert_string_equal(identity_bridge(0x10c4, 0xea60)->name, "CP210x");
    assert_string_equal(identity_bridge(0x1a86, 0x7523)->name, "CH340");
    assert_string_equal(identity_bridge(0x303a, 0x1001)->name, "USB-Serial/JTAG");
    assert_string_equal(identity_bridge(0x0403, 0x6010)->name, "FT2232H");
    assert_string_equal(identity_bridge(0x1234, 0x5678)->name, "");
    assert_string_equal(identity_bridge(-1, -1)->name, "");
    assert_int_equal(identity_bridge(0x303a, 0x1001)->kind, BRIDGE_NATIVE);
    assert_int_equal(identity_bridge(0x10c4, 0xea64)->kind, BRIDGE_HOLDS_DTR);
    assert_int_equal(identity_bridge(0x10c4, 0xea60)->kind, BRIDGE_PLAIN);
    assert_int_equal(identity_bridge(-1, -1)->kind, BRIDGE_PLAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usb_paths_name_the_socket),
        cmocka_unit_test(a_link_is_found_by_what_it_points_to),
        cmocka_unit_test(bridges_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
