"""The task that a token's payment starts: one a token, named by its order id."""

from __future__ import annotations

from relayclear.store.tasks import NewTask, Priority

PAID_TASK = "paid"


def paid_task(order_id: str) -> NewTask:
    """The task that says that a token's price is covered; its key is `paid/ORDER ID`."""
    return NewTask(PAID_TASK, f"{PAID_TASK}/{order_id}", {"order_id": order_id}, Priority.URGENT)
