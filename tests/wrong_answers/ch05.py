"""Wrong answers to the exercises of chapter 05."""

from tests.wrong_answers import Wrong

WRONG = {
    "5.1": [
        Wrong(
            "the average of the blocks' averages",
            """
def report(X_block, y_block, theta):
    return (X_block.T @ (X_block @ theta - y_block) / len(X_block),)

def combine(reports):
    return np.mean([gradient for gradient, in reports], axis=0)
""",
            "plain mean of the blocks' means",
        ),
        Wrong(
            "never divided by the number of rows",
            """
def report(X_block, y_block, theta):
    return (X_block.T @ (X_block @ theta - y_block),)

def combine(reports):
    return sum(gradient for gradient, in reports)
""",
            "not divided by their number",
        ),
        Wrong(
            "the residual the wrong way round",
            """
def report(X_block, y_block, theta):
    return X_block.T @ (y_block - X_block @ theta), len(X_block)

def combine(reports):
    return sum(total for total, _ in reports) / sum(rows for _, rows in reports)
""",
            "the sign is turned round",
        ),
        Wrong(
            "the block itself as its report",
            """
def report(X_block, y_block, theta):
    return X_block, y_block, theta

def combine(reports):
    X = np.concatenate([X for X, _, _ in reports])
    y = np.concatenate([y for _, y, _ in reports])
    return X.T @ (X @ reports[0][2] - y) / len(X)
""",
            "grows with the block",
        ),
        Wrong(
            "combine forgets to return",
            """
def report(X_block, y_block, theta):
    return X_block.T @ (X_block @ theta - y_block), len(X_block)

def combine(reports):
    sum(total for total, _ in reports) / sum(rows for _, rows in reports)
""",
            "does your function return it?",
        ),
    ],
    "5.2": [
        Wrong(
            "the loss without its 1/2",
            """
def mse_gradient(X, y, theta):
    return (2 * X.T @ (X @ theta - y) / len(X)).compute()
""",
            "without the 1/2",
        ),
        Wrong(
            "a sum in place of a mean",
            """
def mse_gradient(X, y, theta):
    return (X.T @ (X @ theta - y)).compute()
""",
            "the loss is a mean",
        ),
        Wrong(
            "uphill",
            """
def mse_gradient(X, y, theta):
    return (X.T @ (y - X @ theta) / len(X)).compute()
""",
            "the sign is turned round",
        ),
        Wrong(
            "left lazy",
            """
def mse_gradient(X, y, theta):
    return X.T @ (X @ theta - y) / len(X)
""",
            "still lazy: compute it",
        ),
        Wrong(
            "one compute for the residual, one for the gradient",
            """
def mse_gradient(X, y, theta):
    residual = (X @ theta - y).compute()
    return (X.T @ residual / len(X)).compute()
""",
            "2 computes where 1 is enough",
            status="wasteful",
        ),
        Wrong(
            "the whole table is fetched",
            """
def mse_gradient(X, y, theta):
    import dask

    X, y = dask.compute(X, y)
    return X.T @ (X @ theta - y) / len(X)
""",
            "blocks of 0.8 MB travelled",
            status="wasteful",
        ),
        Wrong(
            "one number for all columns",
            """
def mse_gradient(X, y, theta):
    return ((X @ theta - y).mean()).compute()
""",
            "has shape (), expected (4,)",
        ),
        Wrong(
            "a transposition too few",
            """
def mse_gradient(X, y, theta):
    return (X @ (X @ theta - y) / len(X)).compute()
""",
            "your code raised ValueError",
        ),
    ],
    "5.3": [
        Wrong(
            "curvature of the sum, not of the mean",
            """
def largest_learning_rate(gram, rows):
    return 2 / np.linalg.eigvalsh(gram)[-1]
""",
            "XᵀX divided by the rows",
        ),
        Wrong(
            "the best rate in place of the largest",
            """
def largest_learning_rate(gram, rows):
    return 1 / np.linalg.eigvalsh(gram / rows)[-1]
""",
            "it may be larger and still converge",
        ),
        Wrong(
            "the smallest eigenvalue",
            """
def largest_learning_rate(gram, rows):
    return 2 / np.linalg.eigvalsh(gram / rows)[0]
""",
            "the steepest breaks before it",
        ),
        Wrong(
            "whichever eigenvalue comes first",
            """
def largest_learning_rate(gram, rows):
    return 2 / np.linalg.eigvals(gram / rows)[0]
""",
            "or of the first one",
        ),
        Wrong(
            "the trace as a bound of the largest eigenvalue",
            """
def largest_learning_rate(gram, rows):
    return 2 / np.trace(gram / rows)
""",
            "the largest learning rate is off",
        ),
    ],
    "5.4": [
        Wrong(
            "one step too few",
            """
def pinned_descent(client, X, y, learning_rate, n_iterations):
    blocks, theta = place(client, X, y), np.zeros(X.shape[1])
    for _ in range(n_iterations - 1):
        reports = client.gather([client.submit(block_gradient, b, theta, workers=w) for b, w in blocks])
        theta = theta - learning_rate * sum(g for g, _ in reports) / sum(m for _, m in reports)
    return theta
""",
            "one step short",
        ),
        Wrong(
            "the blocks are placed anew in every step",
            """
def pinned_descent(client, X, y, learning_rate, n_iterations):
    theta = np.zeros(X.shape[1])
    for _ in range(n_iterations):
        blocks = place(client, X, y)
        reports = client.gather([client.submit(block_gradient, b, theta, workers=w) for b, w in blocks])
        theta = theta - learning_rate * sum(g for g, _ in reports) / sum(m for _, m in reports)
        del blocks, reports
    return theta
""",
            "is something placed or summed again in every step?",
            status="wasteful",
        ),
        Wrong(
            "a graph over the whole array in every step",
            """
def pinned_descent(client, X, y, learning_rate, n_iterations):
    theta = np.zeros(X.shape[1])
    for _ in range(n_iterations):
        theta = theta - learning_rate * (X.T @ (X @ theta - y) / len(X)).compute()
    return theta
""",
            "is something placed or summed again in every step?",
            status="wasteful",
        ),
        Wrong(
            "one block after the other",
            """
def pinned_descent(client, X, y, learning_rate, n_iterations):
    blocks, theta = place(client, X, y), np.zeros(X.shape[1])
    for _ in range(n_iterations):
        reports = [client.submit(block_gradient, b, theta, workers=w).result() for b, w in blocks]
        theta = theta - learning_rate * sum(g for g, _ in reports) / sum(m for _, m in reports)
    return theta
""",
            "submit for all blocks before you wait",
            status="wasteful",
        ),
        Wrong(
            "the sums are not divided",
            """
def pinned_descent(client, X, y, learning_rate, n_iterations):
    blocks, theta = place(client, X, y), np.zeros(X.shape[1])
    for _ in range(n_iterations):
        reports = client.gather([client.submit(block_gradient, b, theta, workers=w) for b, w in blocks])
        theta = theta - learning_rate * sum(g for g, _ in reports)
    return theta
""",
            "not divided by the number of rows",
        ),
        Wrong(
            "tasks go to whichever worker is free",
            """
def pinned_descent(client, X, y, learning_rate, n_iterations):
    blocks, theta = place(client, X, y), np.zeros(X.shape[1])
    workers = list(client.nthreads())
    for step in range(n_iterations):
        free = workers[step % len(workers)]
        reports = client.gather([client.submit(block_gradient, b, theta, workers=free) for b, _ in blocks])
        theta = theta - learning_rate * sum(g for g, _ in reports) / sum(m for _, m in reports)
    return theta
""",
            "blocks of 1.6 MB travelled",
            status="wasteful",
        ),
        Wrong(
            "the blocks are fetched, the work is done here",
            """
def pinned_descent(client, X, y, learning_rate, n_iterations):
    blocks, theta = client.gather([block for block, _ in place(client, X, y)]), np.zeros(X.shape[1])
    for _ in range(n_iterations):
        reports = [block_gradient(block, theta) for block in blocks]
        theta = theta - learning_rate * sum(g for g, _ in reports) / sum(m for _, m in reports)
    return theta
""",
            "blocks of 1.6 MB travelled",
            status="wasteful",
        ),
    ],
    "5.5": [
        Wrong(
            "the intercept is penalised",
            """
def ridge_from_sums(gram, moment, alpha):
    return np.linalg.solve(gram + alpha * np.eye(len(gram)), moment)
""",
            "the intercept is penalised too",
        ),
        Wrong(
            "twice the penalty",
            """
def ridge_from_sums(gram, moment, alpha):
    penalty = 2 * alpha * np.eye(len(gram))
    penalty[0, 0] = 0
    return np.linalg.solve(gram + penalty, moment)
""",
            "too strong by a factor of 2",
        ),
        Wrong(
            "no penalty",
            """
def ridge_from_sums(gram, moment, alpha):
    return np.linalg.solve(gram, moment)
""",
            "without a penalty",
        ),
        Wrong(
            "gram changed in place",
            """
def ridge_from_sums(gram, moment, alpha):
    gram[np.arange(1, len(gram)), np.arange(1, len(gram))] += alpha
    return np.linalg.solve(gram, moment)
""",
            "was changed in place",
        ),
        Wrong(
            "alpha subtracted",
            """
def ridge_from_sums(gram, moment, alpha):
    penalty = alpha * np.eye(len(gram))
    penalty[0, 0] = 0
    return np.linalg.solve(gram - penalty, moment)
""",
            "wrong sign",
        ),
    ],
    "5.6": [
        Wrong(
            "the cluster's own time per row is forgotten",
            """
def break_even_rows(overhead, one_process, cluster):
    return overhead / one_process
""",
            "needs time per row too",
        ),
        Wrong(
            "the speeds the wrong way round",
            """
def break_even_rows(overhead, one_process, cluster):
    return overhead / (cluster - one_process)
""",
            "the wrong way round",
        ),
        Wrong(
            "a negative number of rows where the cluster is slower",
            """
def break_even_rows(overhead, one_process, cluster):
    return overhead / (one_process - cluster + 1e-30)
""",
            "no number of rows pays there",
        ),
    ],
}
