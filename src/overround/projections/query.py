"""A statement that grows by conditions. Its words are ours alone; whatever comes from outside is a parameter."""


class Query:
    """`text` with its `values`, in the order of `$1`, `$2`, …"""

    def __init__(self, select: str) -> None:
        self._select = select
        self._conditions: list[str] = []
        self._end = ""
        self.values: list[object] = []

    @property
    def text(self) -> str:
        where = " WHERE " + " AND ".join(self._conditions) if self._conditions else ""
        return self._select + where + self._end

    def where(self, condition: str, *values: object) -> "Query":
        """And this condition, each `{}` in it a value; left out where a value is None."""
        if None in values:
            return self
        first = len(self.values) + 1
        places = [f"${first + place}" for place in range(len(values))]
        self._conditions.append(condition.format(*places))
        self.values.extend(values)
        return self

    def order(self, columns: str) -> "Query":
        self._end += f" ORDER BY {columns}"
        return self

    def group(self, columns: str) -> "Query":
        self._end += f" GROUP BY {columns}"
        return self

    def limit(self, rows: int) -> "Query":
        self.values.append(rows)
        self._end += f" LIMIT ${len(self.values)}"
        return self

    def offset(self, rows: int) -> "Query":
        self.values.append(rows)
        self._end += f" OFFSET ${len(self.values)}"
        return self

    def around(self, select: str, name: str) -> "Query":
        """A query of what this one finds, under a name; its values stay where they are."""
        query = Query(f"{select} ({self.text}) AS {name}")
        query.values = self.values
        return query
