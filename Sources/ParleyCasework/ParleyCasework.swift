// ParleyCasework
