"""Soft labels from FER+ votes, by crossing out ballots one after the other."""
EXPRESSIONS = ('neutral', 'happiness', 'surprise', 'sadness', 'anger', 'disgust', 'fear',
               'contempt')


def vote_shares(votes, min_votes):
    """{expression: share} from ten counts in the label file's column order."""
    ballots = [name for name, count in zip(EXPRESSIONS, votes) for _ in range(count)]
    common = [name for name in ballots if ballots.count(name) >= min_votes]
    if not common:  # everybody saw something else: keep what most people saw
        most = max(ballots.count(name) for name in ballots)
        common = [name for name in ballots if ballots.count(name) == most]
    return {name: common.count(name) / len(common) for name in EXPRESSIONS}
