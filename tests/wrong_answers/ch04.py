"""Wrong answers to the exercises of chapter 04."""

from tests.wrong_answers import Wrong

WRONG = {
    "4.1": [
        Wrong(
            "a division by zero minutes",
            """
def with_features(trips):
    def add(part):
        minutes = (part["dropoff"] - part["pickup"]).dt.total_seconds() / 60
        return part.assign(minutes=minutes, mph=60 * part["miles"] / minutes, hour=part["pickup"].dt.hour)
    return trips.map_partitions(add, meta=add(trips._meta))
""",
            "`mph` is infinite",
        ),
        Wrong(
            "the meta promises what another library would give",
            """
def with_features(trips):
    def add(part):
        minutes = (part["dropoff"] - part["pickup"]).dt.total_seconds() / 60
        mph = 60 * part["miles"] / minutes.where(minutes > 0)
        return part.assign(minutes=minutes, mph=mph, hour=part["pickup"].dt.hour)
    meta = trips._meta.assign(minutes=1.0, mph=1.0, hour=1)
    return trips.map_partitions(add, meta=meta)
""",
            "the meta promises `hour` as int64, it should be int32",
        ),
        Wrong(
            "the day is taken from the first row, and there is none",
            """
def with_features(trips):
    def add(part):
        midnight = part["pickup"].iloc[0].normalize()
        minutes = (part["dropoff"] - part["pickup"]).dt.total_seconds() / 60
        mph = 60 * part["miles"] / minutes.where(minutes > 0)
        hour = ((part["pickup"] - midnight).dt.total_seconds() // 3600).astype("int32")
        return part.assign(minutes=minutes, mph=mph, hour=hour)
    meta = trips._meta.assign(minutes=0.0, mph=0.0, hour=trips._meta["pickup"].dt.hour)
    return trips.map_partitions(add, meta=meta)
""",
            "computing an empty partition raised",
        ),
        Wrong(
            "seconds for minutes",
            """
def with_features(trips):
    def add(part):
        seconds = (part["dropoff"] - part["pickup"]).dt.total_seconds()
        mph = 3600 * part["miles"] / seconds.where(seconds > 0)
        return part.assign(minutes=seconds, mph=mph, hour=part["pickup"].dt.hour)
    return trips.map_partitions(add, meta=add(trips._meta))
""",
            "`minutes` are seconds",
        ),
        Wrong(
            "miles per minute",
            """
def with_features(trips):
    def add(part):
        minutes = (part["dropoff"] - part["pickup"]).dt.total_seconds() / 60
        mph = part["miles"] / minutes.where(minutes > 0)
        return part.assign(minutes=minutes, mph=mph, hour=part["pickup"].dt.hour)
    return trips.map_partitions(add, meta=add(trips._meta))
""",
            "miles per minute",
        ),
        Wrong(
            "computed at once",
            """
def with_features(trips):
    part = trips.compute()
    minutes = (part["dropoff"] - part["pickup"]).dt.total_seconds() / 60
    mph = 60 * part["miles"] / minutes.where(minutes > 0)
    return part.assign(minutes=minutes, mph=mph, hour=part["pickup"].dt.hour)
""",
            "should be a lazy Dask collection",
        ),
        Wrong(
            "trips that took no time are dropped",
            """
def with_features(trips):
    def add(part):
        minutes = (part["dropoff"] - part["pickup"]).dt.total_seconds() / 60
        new = part.assign(minutes=minutes, mph=60 * part["miles"] / minutes, hour=part["pickup"].dt.hour)
        return new[minutes > 0]
    return trips.map_partitions(add, meta=add(trips._meta))
""",
            "trips are left: keep all of them",
        ),
        Wrong(
            "computed, and cut into partitions again",
            """
def with_features(trips):
    part = trips.compute()
    minutes = (part["dropoff"] - part["pickup"]).dt.total_seconds() / 60
    mph = 60 * part["miles"] / minutes.where(minutes > 0)
    part = part.assign(minutes=minutes, mph=mph, hour=part["pickup"].dt.hour)
    return dd.from_pandas(part, npartitions=trips.npartitions, sort=False)
""",
            "the trips were computed to build this",
        ),
        Wrong(
            "all in one partition",
            """
def with_features(trips):
    def add(part):
        minutes = (part["dropoff"] - part["pickup"]).dt.total_seconds() / 60
        mph = 60 * part["miles"] / minutes.where(minutes > 0)
        return part.assign(minutes=minutes, mph=mph, hour=part["pickup"].dt.hour)
    return trips.repartition(npartitions=1).map_partitions(add, meta=add(trips._meta))
""",
            "3 partitions came and 1 leave",
        ),
        Wrong(
            "days are forgotten",
            """
def with_features(trips):
    def add(part):
        minutes = (part["dropoff"] - part["pickup"]).dt.seconds / 60
        mph = 60 * part["miles"] / minutes.where(minutes > 0)
        return part.assign(minutes=minutes, mph=mph, hour=part["pickup"].dt.hour)
    return trips.map_partitions(add, meta=add(trips._meta))
""",
            "`total_seconds()` has all of it",
        ),
    ],
    "4.2": [
        Wrong(
            "written as the partitions come",
            """
def write_by_day(trips, path, days):
    trips.to_parquet(path, write_index=False)
""",
            "hold trips of more than one day",
        ),
        Wrong(
            "as many partitions as days, in no order",
            """
def write_by_day(trips, path, days):
    trips.repartition(npartitions=len(days) - 1).to_parquet(path, write_index=False)
""",
            "hold trips of more than one day",
        ),
        Wrong(
            "a folder per day, a file per partition in each",
            """
def write_by_day(trips, path, days):
    day = trips["tpep_pickup_datetime"].dt.day
    trips.assign(day=day).to_parquet(path, partition_on="day", write_index=False)
""",
            "Does each partition write its own file for each day?",
        ),
        Wrong(
            "shuffled by day, and not sorted",
            """
def write_by_day(trips, path, days):
    day = trips["tpep_pickup_datetime"].dt.floor("D").rename("day")
    by_day = trips.assign(day=day).set_index("day", divisions=list(days))
    by_day.to_parquet(path, write_index=False)
""",
            "the trips are in no order of time",
        ),
        Wrong(
            "the pick-up time is lost with the index",
            """
def write_by_day(trips, path, days):
    trips.set_index("tpep_pickup_datetime", divisions=list(days)).to_parquet(path, write_index=False)
""",
            "have not the column tpep_pickup_datetime",
        ),
        Wrong(
            "planned and not written",
            """
def write_by_day(trips, path, days):
    by_time = trips.set_index("tpep_pickup_datetime", divisions=list(days), drop=False)
    by_time.to_parquet(path, write_index=False, compute=False)
""",
            "is something written, and not only planned?",
        ),
        Wrong(
            "divisions are looked for",
            """
def write_by_day(trips, path, days):
    by_time = trips.set_index("tpep_pickup_datetime", drop=False, npartitions=len(days) - 1)
    by_time.repartition(divisions=list(days), force=True).to_parquet(path, write_index=False)
""",
            "the whole table is made once more",
            status="wasteful",
        ),
        Wrong(
            "the table comes here, pandas writes",
            """
def write_by_day(trips, path, days):
    import pathlib
    pathlib.Path(path).mkdir()
    table = trips.compute().sort_values("tpep_pickup_datetime")
    for i, (start, end) in enumerate(zip(days[:-1], days[1:])):
        inside = (table["tpep_pickup_datetime"] >= start) & (table["tpep_pickup_datetime"] < end)
        table[inside].to_parquet(f"{path}/part.{i}.parquet", index=False)
""",
            "the table came through this process",
            status="wasteful",
        ),
        Wrong(
            "times as text",
            """
def write_by_day(trips, path, days):
    by_time = trips.set_index("tpep_pickup_datetime", divisions=list(days), drop=False)
    by_time["tip_amount"] = by_time["tip_amount"].astype("str")
    by_time.to_parquet(path, write_index=False)
""",
            "`tip_amount` is",
        ),
        Wrong(
            "the pick-up time becomes the index",
            """
def write_by_day(trips, path, days):
    trips.set_index("tpep_pickup_datetime", divisions=list(days)).to_parquet(path)
""",
            "is the pick-up time written as an index?",
        ),
        Wrong(
            "the whole table in one task",
            """
def write_by_day(trips, path, days):
    whole = trips.repartition(npartitions=1)
    by_time = whole.set_index("tpep_pickup_datetime", divisions=list(days), drop=False)
    by_time.to_parquet(path, write_index=False)
""",
            "one task holds",
            status="wasteful",
        ),
        Wrong(
            "the whole table in one delayed call, and pandas writes",
            """
def write_by_day(trips, path, days):
    import dask, pathlib
    def go(*parts):
        table = pd.concat(parts).sort_values("tpep_pickup_datetime")
        pathlib.Path(path).mkdir()
        for i, (start, end) in enumerate(zip(days[:-1], days[1:])):
            inside = (table["tpep_pickup_datetime"] >= start) & (table["tpep_pickup_datetime"] < end)
            table[inside].to_parquet(f"{path}/part.{i}.parquet", index=False)
    dask.delayed(go)(*trips.to_delayed()).compute()
""",
            "one task holds",
            status="wasteful",
        ),
        Wrong(
            "the pick-up time is moved to the front",
            """
def write_by_day(trips, path, days):
    by_time = trips.set_index("tpep_pickup_datetime", divisions=list(days)).reset_index()
    by_time.to_parquet(path, write_index=False)
""",
            "read back, the columns are tpep_pickup_datetime, id",
        ),
    ],
    "4.3": [
        Wrong(
            "the mean of the partitions' means",
            """
def mean_tip(path, start, end):
    chosen = [("tpep_pickup_datetime", ">=", start), ("tpep_pickup_datetime", "<", end), ("payment_type", "==", 1)]
    tips = dd.read_parquet(path, columns=["tip_amount"], filters=chosen)["tip_amount"]
    return tips.map_partitions(lambda part: part.mean(), meta=(None, float)).compute().mean()
""",
            "the mean of the partitions' means",
        ),
        Wrong(
            "everybody's tips",
            """
def mean_tip(path, start, end):
    when = [("tpep_pickup_datetime", ">=", start), ("tpep_pickup_datetime", "<", end)]
    return dd.read_parquet(path, columns=["tip_amount"], filters=when)["tip_amount"].mean().compute()
""",
            "the mean over all payments",
        ),
        Wrong(
            "the end belongs to it",
            """
def mean_tip(path, start, end):
    chosen = [("tpep_pickup_datetime", ">=", start), ("tpep_pickup_datetime", "<=", end), ("payment_type", "==", 1)]
    return dd.read_parquet(path, columns=["tip_amount"], filters=chosen)["tip_amount"].mean().compute()
""",
            "a trip that begins at `end`",
        ),
        Wrong(
            "the start does not",
            """
def mean_tip(path, start, end):
    chosen = [("tpep_pickup_datetime", ">", start), ("tpep_pickup_datetime", "<", end), ("payment_type", "==", 1)]
    return dd.read_parquet(path, columns=["tip_amount"], filters=chosen)["tip_amount"].mean().compute()
""",
            "a trip that begins at `start`",
        ),
        Wrong(
            "whole days",
            """
def mean_tip(path, start, end):
    first, last = start.normalize(), end.ceil("D")
    chosen = [("tpep_pickup_datetime", ">=", first), ("tpep_pickup_datetime", "<", last), ("payment_type", "==", 1)]
    return dd.read_parquet(path, columns=["tip_amount"], filters=chosen)["tip_amount"].mean().compute()
""",
            "the mean of whole days",
        ),
        Wrong(
            "left lazy",
            """
def mean_tip(path, start, end):
    chosen = [("tpep_pickup_datetime", ">=", start), ("tpep_pickup_datetime", "<", end), ("payment_type", "==", 1)]
    return dd.read_parquet(path, columns=["tip_amount"], filters=chosen)["tip_amount"].mean()
""",
            "still lazy",
        ),
        Wrong(
            "a mask in place of filters",
            """
def mean_tip(path, start, end):
    table = dd.read_parquet(path)
    when = table["tpep_pickup_datetime"]
    return table[(when >= start) & (when < end) & (table["payment_type"] == 1)]["tip_amount"].mean().compute()
""",
            "times the bytes that are enough",
            status="wasteful",
        ),
        Wrong(
            "all columns of the right rows",
            """
def mean_tip(path, start, end):
    chosen = [("tpep_pickup_datetime", ">=", start), ("tpep_pickup_datetime", "<", end), ("payment_type", "==", 1)]
    return dd.read_parquet(path, filters=chosen).compute()["tip_amount"].mean()
""",
            "times the bytes that are enough",
            status="wasteful",
        ),
        Wrong(
            "a way round the counter",
            """
def mean_tip(path, start, end):
    chosen = [("tpep_pickup_datetime", ">=", start), ("tpep_pickup_datetime", "<", end), ("payment_type", "==", 1)]
    return pd.read_parquet(path.removeprefix("counted+file://"), filters=chosen)["tip_amount"].mean()
""",
            "nothing was read from the address",
            status="wasteful",
        ),
    ],
    "4.4": [
        Wrong(
            "left as it is",
            """
def resized(table, target_bytes):
    return table
""",
            "nothing was merged",
        ),
        Wrong(
            "everything in one",
            """
def resized(table, target_bytes):
    return table.repartition(npartitions=1)
""",
            "leave: too few",
        ),
        Wrong(
            "the size of three partitions taken for that of one",
            """
def resized(table, target_bytes):
    size = table.partitions[:3].memory_usage(deep=True).sum().compute()
    wanted = round(size * table.npartitions / target_bytes)
    return table.repartition(npartitions=max(1, min(wanted, table.npartitions)))
""",
            "leave: too many",
        ),
        Wrong(
            "numbers alone",
            """
def resized(table, target_bytes):
    size = table.partitions[:3].select_dtypes("number").memory_usage().sum().compute() / 3
    wanted = round(size * table.npartitions / target_bytes)
    return table.repartition(npartitions=max(1, min(wanted, table.npartitions)))
""",
            "strings included",
        ),
        Wrong(
            "a shuffle",
            """
def resized(table, target_bytes):
    size = table.partitions[:3].memory_usage(deep=True).sum().compute() / 3
    wanted = max(1, round(size * table.npartitions / target_bytes))
    return table.shuffle("id", npartitions=min(wanted, table.npartitions))
""",
            "not in the order in which they came",
        ),
        Wrong(
            "Dask measures every partition",
            """
def resized(table, target_bytes):
    return table.repartition(partition_size=target_bytes)
""",
            "every partition was made to plan",
            status="wasteful",
        ),
        Wrong(
            "the whole table is measured",
            """
def resized(table, target_bytes):
    total = table.memory_usage(deep=True).sum().compute()
    return table.repartition(npartitions=max(1, min(round(total / target_bytes), table.npartitions)))
""",
            "every partition was made to plan",
            status="wasteful",
        ),
        Wrong(
            "computed and cut anew",
            """
def resized(table, target_bytes):
    whole = table.compute()
    wanted = max(1, round(whole.memory_usage(deep=True).sum() / target_bytes))
    return dd.from_pandas(whole.reset_index(drop=True), npartitions=min(wanted, table.npartitions), sort=False)
""",
            "every partition was made to plan",
            status="wasteful",
        ),
    ],
    "4.5": [
        Wrong(
            "the mean of each partition",
            """
def with_zone_fare(trips):
    def add(part):
        return part.assign(zone_fare=part.groupby("PULocationID")["fare_amount"].transform("mean"))
    return trips.map_partitions(add, meta=add(trips._meta))
""",
            "means over one partition",
        ),
        Wrong(
            "one mean for all",
            """
def with_zone_fare(trips):
    return trips.assign(zone_fare=trips["fare_amount"].mean())
""",
            "the mean of all trips, whatever their zone",
        ),
        Wrong(
            "sums",
            """
def with_zone_fare(trips):
    zone_fare = trips.groupby("PULocationID")["fare_amount"].sum().rename("zone_fare").to_frame()
    return trips.merge(zone_fare, left_on="PULocationID", right_index=True, how="left")
""",
            "these are sums",
        ),
        Wrong(
            "zones and no trips",
            """
def with_zone_fare(trips):
    return trips.groupby("PULocationID")["fare_amount"].mean().rename("zone_fare").reset_index()
""",
            "the columns are",
        ),
        Wrong(
            "the trips are sorted by zone",
            """
def with_zone_fare(trips):
    zone_fare = trips.groupby("PULocationID")["fare_amount"].mean().rename("zone_fare").to_frame()
    joined = trips.merge(zone_fare, left_on="PULocationID", right_index=True, how="left")
    return joined.map_partitions(lambda part: part.sort_values("PULocationID"), meta=joined._meta)
""",
            "not in the order in which they came",
        ),
        Wrong(
            "a join of two shuffled tables",
            """
def with_zone_fare(trips):
    zone_fare = trips.groupby("PULocationID")["fare_amount"].mean(split_out=3).rename("zone_fare").reset_index()
    return trips.merge(zone_fare, on="PULocationID", how="left")
""",
            "a shuffle or a sort moved them",
        ),
        Wrong(
            "all trips into one partition",
            """
def with_zone_fare(trips):
    def add(part):
        return part.assign(zone_fare=part.groupby("PULocationID")["fare_amount"].transform("mean"))
    return trips.repartition(npartitions=1).map_partitions(add, meta=add(trips._meta))
""",
            "the trips travelled",
            status="wasteful",
        ),
        Wrong(
            "the means are computed on the way",
            """
def with_zone_fare(trips):
    zone_fare = trips.groupby("PULocationID")["fare_amount"].mean().compute().rename("zone_fare")
    return trips.merge(zone_fare.to_frame(), left_on="PULocationID", right_index=True, how="left")
""",
            "the table is made once more for the means",
            status="wasteful",
        ),
    ],
    "4.6": [
        Wrong(
            "thin along the wrong axis",
            """
def chunks_for(shape, itemsize, axis, least_bytes):
    other = (axis + 1) % len(shape)
    slab = itemsize * int(np.prod(shape)) // shape[other]
    chunk = list(shape)
    chunk[other] = min(shape[other], -(-least_bytes // slab))
    return tuple(chunk)
""",
            "are not whole along axis",
        ),
        Wrong(
            "always one position",
            """
def chunks_for(shape, itemsize, axis, least_bytes):
    return tuple(1 if i == axis else length for i, length in enumerate(shape))
""",
            "that is less than is asked for",
        ),
        Wrong(
            "rounded down",
            """
def chunks_for(shape, itemsize, axis, least_bytes):
    slab = itemsize * int(np.prod(shape)) // shape[axis]
    chunk = list(shape)
    chunk[axis] = min(shape[axis], max(1, least_bytes // slab))
    return tuple(chunk)
""",
            "that is less than is asked for",
        ),
        Wrong(
            "items counted, not bytes",
            """
def chunks_for(shape, itemsize, axis, least_bytes):
    slab = int(np.prod(shape)) // shape[axis]
    chunk = list(shape)
    chunk[axis] = min(shape[axis], -(-least_bytes // slab))
    return tuple(chunk)
""",
            "one position thinner still",
        ),
        Wrong(
            "longer than the axis",
            """
def chunks_for(shape, itemsize, axis, least_bytes):
    slab = itemsize * int(np.prod(shape)) // shape[axis]
    chunk = list(shape)
    chunk[axis] = -(-least_bytes // slab)
    return tuple(chunk)
""",
            "positions",
        ),
        Wrong(
            "one chunk for all",
            """
def chunks_for(shape, itemsize, axis, least_bytes):
    return shape
""",
            "one position thinner still",
        ),
    ],
}
