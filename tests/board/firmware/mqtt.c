#include "tests/board/firmware/firmware.h"
void mqtt_init(struct firmware *fw)
{
    (void)fw;
}
void mqtt_dispose(struct firmware *fw)
{
    (void)fw;
}
void mqtt_network(struct firmware *fw, bool up)
{
    (void)fw;
    (void)up;
}
