import datetime


def since(day: str, *, most: int = 10):
    for number in range(most):
        yield {"id": number, "day": datetime.date.fromisoformat(day)}
